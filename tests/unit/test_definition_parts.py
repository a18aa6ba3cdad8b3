"""Where a definition is cut: at its expressions, whatever names and texts stand around them."""

from __future__ import annotations

import pytest

from gonogo.host.compare.definition_parts import Body, Query, Rule, View, body_of, cut

CUT: dict[str, tuple[str, str, str, list[Query]]] = {
    "default": (
        "column public.t.c",
        "3 text collate pg_catalog.\"C\" not null default ('a'::text || 'b, storage x') storage e"
        " statistics 10 with n_distinct=5",
        '3 text collate pg_catalog."C" not null default \0 storage e statistics 10 with n_distinct=5',
        [View("SELECT pg_catalog.num_nulls(('a'::text || 'b, storage x')) AS c FROM public.t")],
    ),
    "no default": ("column public.t.default", "1 text not null", "1 text not null", []),
    "a type of that name": (
        'column public.t."default x".c',
        '2 public."default" default 1',
        '2 public."default" default \0',
        [View("SELECT pg_catalog.num_nulls(1) AS c FROM public.t")],
    ),
    "check": (
        'constraint "A.b"."t""x".c',
        "CHECK ((a > ')'::text)) NO INHERIT NOT VALID",
        "CHECK (\0) NO INHERIT NOT VALID",
        [View('SELECT pg_catalog.num_nulls((a > \')\'::text)) AS c FROM "A.b"."t""x"')],
    ),
    "foreign key": (
        "constraint public.t.k",
        "FOREIGN KEY (a) REFERENCES public.u(id) ON DELETE SET NULL (a)",
        "FOREIGN KEY (a) REFERENCES public.u(id) ON DELETE SET NULL (a)",
        [],
    ),
    "exclusion": (
        "constraint public.t.x",
        "EXCLUDE USING gist (id WITH =, daterange(a, (b + 1)) WITH &&) WITH (fillfactor='70')"
        " WHERE ((id > 0)) DEFERRABLE",
        "EXCLUDE USING gist (id WITH =, \0 WITH &&) WITH (fillfactor='70') WHERE (\0) DEFERRABLE",
        [
            View("SELECT pg_catalog.num_nulls(daterange(a, (b + 1))) AS c FROM public.t"),
            View("SELECT pg_catalog.num_nulls((id > 0)) AS c FROM public.t"),
        ],
    ),
    "index": (
        'index public."i ON x USING ("',
        'clustered, CREATE UNIQUE INDEX "i ON x USING (" ON ONLY public.t USING btree (a,'
        ' ops.f(b, \',\') COLLATE "C" text_ops DESC, ((c + 1)), "WHERE" int4_ops) INCLUDE (d)'
        " NULLS NOT DISTINCT WITH (fillfactor='70') WHERE active",
        'clustered, CREATE UNIQUE INDEX "i ON x USING (" ON ONLY public.t USING btree (a,'
        ' \0 COLLATE "C" text_ops DESC, \0, "WHERE" int4_ops) INCLUDE (d)'
        " NULLS NOT DISTINCT WITH (fillfactor='70') WHERE \0",
        [
            View("SELECT pg_catalog.num_nulls(ops.f(b, ',')) AS c FROM public.t"),
            View("SELECT pg_catalog.num_nulls(((c + 1))) AS c FROM public.t"),
            View("SELECT pg_catalog.num_nulls(active) AS c FROM public.t"),
        ],
    ),
    "statistics": (
        "statistics public.s",
        "CREATE STATISTICS public.s (mcv) ON a, EXTRACT(year FROM b), (c + 1) FROM public.t target 9",
        "CREATE STATISTICS public.s (mcv) ON a, \0, \0 FROM public.t target 9",
        [
            View("SELECT pg_catalog.num_nulls(EXTRACT(year FROM b)) AS c FROM public.t"),
            View("SELECT pg_catalog.num_nulls((c + 1)) AS c FROM public.t"),
        ],
    ),
    "trigger": (
        "trigger public.t.g",
        'CREATE TRIGGER g AFTER UPDATE OF "WHEN (" ON public.t FOR EACH ROW WHEN ((old.a <> new.a))'
        " EXECUTE FUNCTION public.f(' WHEN (x)') disabled",
        'CREATE TRIGGER g AFTER UPDATE OF "WHEN (" ON public.t FOR EACH ROW WHEN (\0)'
        " EXECUTE FUNCTION public.f(' WHEN (x)') disabled",
        [
            View(
                "SELECT pg_catalog.num_nulls((old.a <> new.a)) AS c"
                " FROM public.t AS old, public.t AS new"
            )
        ],
    ),
    "policy": (
        "policy public.t.p",
        'permissive for * to "using (x)" using ((a > 0)) check (true)',
        'permissive for * to "using (x)" using (\0) check (\0)',
        [
            View("SELECT pg_catalog.num_nulls((a > 0)) AS c FROM public.t"),
            View("SELECT pg_catalog.num_nulls(true) AS c FROM public.t"),
        ],
    ),
    "view": (
        "view public.v",
        "with security_barrier=true,  SELECT 1 AS a;",
        "with security_barrier=true, \0",
        [View("SELECT true FROM ( SELECT 1 AS a) AS q")],
    ),
    "rule": (
        "rule public.t.r",
        "CREATE RULE r AS\n    ON INSERT TO public.t\n   WHERE (new.a = ';') DO NOTHING; disabled",
        "CREATE RULE r AS\n    ON INSERT TO public.t\n   \0; disabled",
        [Rule("INSERT", "public.t", "WHERE (new.a = ';') DO NOTHING")],
    ),
    "partitions": (
        "table public.t",
        "unlogged, partitioned by RANGE (a, lower(b) text_ops), with x=1",
        "unlogged, partitioned by RANGE (a, \0 text_ops), with x=1",
        [View("SELECT pg_catalog.num_nulls(lower(b)) AS c FROM public.t")],
    ),
    "defaults of arguments": (
        "function public.f(integer, text[])",
        "CREATE OR REPLACE FUNCTION public.f(a integer DEFAULT 1, b text[] DEFAULT ARRAY['x, y', 'z'])"
        "\n RETURNS text\n LANGUAGE plpgsql\nAS $function$BEGIN RETURN 'x'; END$function$\n",
        "CREATE OR REPLACE FUNCTION public.f(a integer DEFAULT \0, b text[] DEFAULT \0)"
        "\n RETURNS text\n LANGUAGE plpgsql\nAS $function$BEGIN RETURN 'x'; END$function$\n",
        [
            View("SELECT pg_catalog.num_nulls(1) AS c"),
            View("SELECT pg_catalog.num_nulls(ARRAY['x, y', 'z']) AS c"),
        ],
    ),
    "body": (
        "function public.f(integer, text)",
        "CREATE OR REPLACE FUNCTION public.f(a integer DEFAULT 1, b text DEFAULT 'x'::text)\n"
        " RETURNS TABLE(c integer)\n LANGUAGE sql\n SECURITY DEFINER\nRETURN (a + 1)\n",
        "CREATE OR REPLACE FUNCTION public.f(a integer DEFAULT \0, b text DEFAULT \0)\n"
        " RETURNS TABLE(c integer)\n LANGUAGE sql\n SECURITY DEFINER\n\0",
        [
            View("SELECT pg_catalog.num_nulls(1) AS c"),
            View("SELECT pg_catalog.num_nulls('x'::text) AS c"),
            Body(
                "FUNCTION",
                "f",
                "(a integer , b text )\n RETURNS TABLE(c integer)\n LANGUAGE sql\nRETURN (a + 1)\n",
            ),
        ],
    ),
    "publication": (
        "publication p",
        '{"pubinsert": true} tables public.t (id, n) where active, s."where (" where ((a > 0))',
        '{"pubinsert": true} tables public.t (id, n) where \0, s."where (" where \0',
        [
            View("SELECT pg_catalog.num_nulls(active) AS c FROM public.t"),
            View('SELECT pg_catalog.num_nulls(((a > 0))) AS c FROM s."where ("'),
        ],
    ),
    "domain": (
        "domain public.d",
        "integer not null default 1",
        "integer not null default \0",
        [View("SELECT pg_catalog.num_nulls(1) AS c")],
    ),
    "constraint of a domain": (
        "constraint of domain public.d.c",
        "CHECK ((VALUE > 0))",
        "CHECK (\0)",
        [
            View(
                "SELECT pg_catalog.num_nulls((VALUE > 0)) AS c"
                " FROM (SELECT NULL::public.d AS value) AS d"
            )
        ],
    ),
    "nothing to read": ("sequence public.s", "bigint, start 1", "bigint, start 1", []),
    "not as expected": ("constraint public.t.c", "CHECK (", "CHECK (", []),
}


@pytest.mark.parametrize("case", CUT)
def test_a_definition_is_cut_at_its_expressions(case: str) -> None:
    name, definition, frame, queries = CUT[case]
    found = cut(name, definition)
    assert (found.frame, list(found.queries)) == (frame, queries)


def test_a_body_is_cut_alike_when_it_was_printed_again() -> None:
    again = (
        "CREATE OR REPLACE FUNCTION pg_temp_3.f(a integer, b text)\n"
        " RETURNS TABLE(c integer)\n LANGUAGE sql\nRETURN (a + 1)\n"
    )
    assert body_of(again) == Body(
        "FUNCTION",
        "f",
        "(a integer, b text)\n RETURNS TABLE(c integer)\n LANGUAGE sql\nRETURN (a + 1)\n",
    )
    with pytest.raises(ValueError, match="no body"):
        body_of(
            "CREATE OR REPLACE FUNCTION public.f()\n LANGUAGE c\nAS '$libdir/x', $function$f$function$\n"
        )


@pytest.mark.parametrize(
    ("name", "definition"),
    [
        # A definition of another run's evidence is what somebody may have written there.
        (
            "function a.f()",
            "CREATE OR REPLACE TABLE x () AS SELECT a.evil() AS r RETURN 1 LANGUAGE sql",
        ),
        ("function a.f()", "CREATE OR REPLACE FUNCTION a.f() AS $$x$$ -- LANGUAGE sql\nRETURN 1"),
        ("constraint a.t.c", "CHECK ((n > 0)) /* as c from a.evil() */"),
        ("constraint a.t.c", "EXCLUDE"),
        ("constraint a.t.c", "CHECK"),
        ("constraint a.t.c", ""),
        ("index a.i", "CREATE INDEX i ON a.t USING"),
        ("index a.i", "CREATE INDEX i ON a.t USING gist ((n + 1"),
        ("statistics a.s", "CREATE STATISTICS a.s ON (n FROM"),
        ("rule a.t.r", "CREATE RULE r AS ON INSERT TO"),
        ("trigger a.t.g", "CREATE TRIGGER g WHEN"),
    ],
)
def test_what_no_server_prints_has_nothing_to_be_read(name: str, definition: str) -> None:
    assert cut(name, definition).queries == ()
