"""Which schemas are the users': neither PostgreSQL's catalogs nor its temporary ones.

Python 3.9, standard library only.
"""

from __future__ import annotations

__all__ = ["OF_USERS"]

# A condition of SQL; `n` is pg_namespace.
OF_USERS = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
