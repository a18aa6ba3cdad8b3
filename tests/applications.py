"""A small application as each migration tool keeps its migrations: customers, their orders, and a
state of the orders that comes with the last migration."""

from __future__ import annotations

from pathlib import Path

from tests.folders import MAKERS

__all__ = ["NAMES", "TOOLS", "application"]

# Those that keep a record.
TOOLS = sorted(tool for tool in MAKERS if tool != "plain")

_STORY = {
    "20260101000000_customers": (
        """CREATE TABLE public.customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email LIKE '%@%'),
    created_at timestamptz NOT NULL DEFAULT now()
);
""",
        "DROP TABLE public.customers;\n",
    ),
    "20260102000000_orders": (
        """CREATE TABLE public.orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES public.customers (id),
    total numeric(10, 2) NOT NULL CHECK (total >= 0)
);
CREATE INDEX orders_customer_id_idx ON public.orders (customer_id);
""",
        "DROP TABLE public.orders;\n",
    ),
    "20260103000000_states": (
        """ALTER TABLE public.orders ADD COLUMN state text NOT NULL DEFAULT 'open';
ALTER TABLE public.orders ADD CONSTRAINT orders_state_check CHECK (state IN ('open', 'paid'));
""",
        "ALTER TABLE public.orders DROP COLUMN state;\n",
    ),
}
NAMES = tuple(_STORY)


def application(tool: str, root: Path) -> Path:
    """Write the application into a folder; returns that of its migrations."""
    migrations = root / ("supabase/migrations" if tool == "supabase" else "migrations")
    # By which a folder is told to be this tool's.
    more = {
        "prisma": {"migrations/migration_lock.toml": 'provider = "postgresql"\n'},
        "sqlx": {"Cargo.toml": "", ".sqlx/query.json": "{}"},
        "diesel": {"diesel.toml": ""},
    }
    for file, text in MAKERS[tool](_STORY).items():
        _write(migrations / file, text)
    for file, text in more.get(tool, {}).items():
        _write(root / file, text)
    return migrations


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
