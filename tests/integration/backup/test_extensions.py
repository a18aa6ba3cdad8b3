"""Extensions that people have: their databases are proven, or not tried for the right reason.

Those of Linux packages need the server of those packages; what is not installed is skipped by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from tests.integration.support.harness import login_of
from tests.integration.support.twins import Rehearsal
from tests.integration.support.universe import loading
from tools.matrix import servers
from tools.matrix.cache import Cache

NAME = "extended"
# What Debian's packages are made for.
PACKAGED = 15


@dataclass(frozen=True)
class Extension:
    """`names` are made in this order, `script` uses them; `preload` is asked for by the server."""

    names: tuple[str, ...]
    script: str
    preload: str = ""


EXTENSIONS = {
    "hstore": Extension(("hstore",), "CREATE TABLE t (v hstore); INSERT INTO t VALUES ('a=>1')"),
    "citext": Extension(
        ("citext",), "CREATE TABLE t (v citext PRIMARY KEY); INSERT INTO t VALUES ('A'), ('b')"
    ),
    "ltree": Extension(
        ("ltree",),
        "CREATE TABLE t (v ltree, q lquery); INSERT INTO t VALUES ('a.b', '*.b');"
        "CREATE INDEX i ON t USING gist (v gist_ltree_ops (siglen = 16))",
    ),
    "pg_trgm": Extension(
        ("pg_trgm",),
        "CREATE TABLE t (v text); INSERT INTO t VALUES ('abc');"
        "CREATE INDEX i ON t USING gin (v gin_trgm_ops);"
        "CREATE INDEX j ON t USING gist (v gist_trgm_ops)",
    ),
    "btree_gist": Extension(
        ("btree_gist",),
        "CREATE TABLE t (a integer, r tsrange, EXCLUDE USING gist (a WITH =, r WITH &&));"
        "INSERT INTO t VALUES (1, '[2020-01-01,2020-01-02)')",
    ),
    "postgres_fdw": Extension(
        ("postgres_fdw",),
        "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'example.invalid');"
        "CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (user 'x', password 'y');"
        "CREATE FOREIGN TABLE t (a integer) SERVER s OPTIONS (table_name 'z')",
    ),
    "pg_stat_statements": Extension(
        ("pg_stat_statements",),
        "CREATE ROLE universe_reader; GRANT SELECT ON pg_stat_statements TO universe_reader;"
        "CREATE VIEW slow AS SELECT query FROM pg_stat_statements",
        preload="pg_stat_statements",
    ),
    "pgcrypto": Extension(
        ("pgcrypto",),
        "CREATE TABLE t (v uuid DEFAULT gen_random_uuid(), h text DEFAULT crypt('x', 'xx'))",
    ),
    "uuid-ossp": Extension(('"uuid-ossp"',), "CREATE TABLE t (v uuid DEFAULT uuid_generate_v4())"),
    "intarray": Extension(
        ("intarray",),
        "CREATE TABLE t (v integer[]); INSERT INTO t VALUES ('{1,2}');"
        "CREATE INDEX i ON t USING gist (v gist__int_ops)",
    ),
    "cube_earthdistance": Extension(
        ("cube", "earthdistance"),
        "CREATE TABLE t (v cube, e earth); INSERT INTO t VALUES ('(1,2)', ll_to_earth(1, 2))",
    ),
    "unaccent": Extension(
        ("unaccent",),
        "CREATE TEXT SEARCH CONFIGURATION c (COPY = english);"
        "ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR word WITH unaccent, english_stem",
    ),
    "tablefunc": Extension(("tablefunc",), "CREATE TABLE t AS SELECT normal_rand(3, 0, 1) AS a"),
    "pg_partman": Extension(
        ("pg_partman SCHEMA partman",),
        "CREATE TABLE public.t (id bigint NOT NULL, at timestamptz NOT NULL)"
        " PARTITION BY RANGE (at);"
        "SELECT partman.create_parent('public.t', 'at', 'native', 'daily');"
        "INSERT INTO public.t VALUES (1, now())",
    ),
    "pg_cron": Extension(
        ("pg_cron",),
        "SELECT cron.schedule('nightly', '0 3 * * *', 'VACUUM');"
        "SELECT cron.schedule('hourly', '0 * * * *', 'SELECT 1')",
        preload="pg_cron",
    ),
    "pgaudit": Extension(("pgaudit",), "CREATE TABLE t (a integer)", preload="pgaudit"),
    "vector": Extension(
        ("vector",),
        "CREATE TABLE t (v vector(3)); INSERT INTO t VALUES ('[1,2,3]');"
        "CREATE INDEX i ON t USING ivfflat (v vector_l2_ops) WITH (lists = 1)",
    ),
    "postgis": Extension(
        ("postgis",),
        "CREATE TABLE t (id integer, g geometry(Point, 4326), h geography);"
        "INSERT INTO t VALUES (1, ST_SetSRID(ST_MakePoint(1, 2), 4326), 'POINT(1 2)');"
        "CREATE INDEX i ON t USING gist (g); CREATE INDEX j ON t USING brin (g);"
        "INSERT INTO spatial_ref_sys (srid, auth_name) VALUES (990001, 'ours')",
    ),
    "postgis_raster_topology": Extension(
        ("postgis", "postgis_raster", "postgis_topology"),
        "CREATE TABLE t (r raster); INSERT INTO t VALUES (ST_MakeEmptyRaster(2, 2, 0, 0, 1));"
        "SELECT topology.CreateTopology('city', 4326);"
        "SELECT topology.TopoGeo_AddPoint('city', 'SRID=4326;POINT(1 2)')",
    ),
}
# In the ordinary suite, on the embedded server.
SAMPLE = {"ltree"}


def _made(cluster: Cluster, extension: Extension, directory: Path) -> Path:
    """The script; skips what the server does not have."""
    with cluster.connect() as connection:
        for name in extension.names:
            bare = name.split(" ")[0].strip('"')
            there = connection.execute(
                "SELECT 1 FROM pg_available_extensions WHERE name = %s", (bare,)
            ).fetchone()
            if not there:
                pytest.skip(f"the server has no extension {bare}")
    named = [name.split() for name in extension.names]
    schemas = [f"CREATE SCHEMA {words[2]};" for words in named if len(words) > 1]
    lines = [*schemas, *(f"CREATE EXTENSION {name};" for name in extension.names)]
    file = directory / "script.sql"
    file.write_text("\n".join(["SET client_min_messages = error;", *lines, extension.script, ";"]))
    return file


def _proven(cluster: Cluster, script: Path, directory: Path, programs: Path) -> None:
    with loading.loaded(cluster, NAME, script) as database:
        login = login_of(cluster, NAME)
        options = {"server_bin": str(programs), "pg_bin": str(programs)}
        run = Rehearsal(database, directory, login, pg_bin=str(programs), options=options)
        with run.locked():
            answer = run.restore(run.back_up())
    assert answer["proven"] is True, (
        answer["reason"],
        answer.get("hint"),
        answer.get("proof", {}).get("schema"),
        [
            name
            for name, one in answer.get("proof", {}).get("tables", {}).items()
            if not one["equal"]
        ],
    )


@pytest.mark.parametrize(
    "name",
    [
        name if name in SAMPLE else pytest.param(name, marks=pytest.mark.attack)
        for name, extension in EXTENSIONS.items()
        if not extension.preload
    ],
)
def test_a_database_of_it_is_proven(cluster: Cluster, tmp_path: Path, name: str) -> None:
    extension = EXTENSIONS[name]
    _proven(cluster, _made(cluster, extension, tmp_path), tmp_path, cluster.bin)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Debian's server, with those of its extensions that have to be loaded at its start."""
    programs = servers.find(PACKAGED, Cache())
    if programs is None:
        pytest.skip(f"there are no packages of PostgreSQL {PACKAGED}")
    directory = tmp_path_factory.mktemp("packaged")
    wanted = [one.preload for one in EXTENSIONS.values() if one.preload]
    library = Path("/usr/lib/postgresql", str(PACKAGED), "lib")
    loaded = ",".join(name for name in wanted if (library / f"{name}.so").is_file())
    settings = {"shared_preload_libraries": loaded, "cron.database_name": NAME}
    try:
        cluster = Cluster.start(directory, programs, settings)
    except SandboxError as error:
        pytest.skip(str(error))
    with cluster:
        yield cluster


# The twin's server loads nothing at its start.
@pytest.mark.attack
@pytest.mark.parametrize(
    "name",
    EXTENSIONS,
)
def test_a_database_of_a_packaged_one_is_proven(
    packaged: Cluster, tmp_path: Path, name: str
) -> None:
    extension = EXTENSIONS[name]
    _proven(packaged, _made(packaged, extension, tmp_path), tmp_path, packaged.bin)
