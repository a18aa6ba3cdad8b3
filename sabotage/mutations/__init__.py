"""The mutations, one module a kind of object.

`columns`, `tables`, `foreign_keys`, `checks`, `keys`, `indexes`, `triggers`, `rights`, `rows` and
`contradictions` are made from the manifest; `history`, `conditions`, `outside` and `handwritten`
are about what no manifest knows.
"""

from __future__ import annotations

from sabotage.mutations.checks import checks
from sabotage.mutations.columns import columns
from sabotage.mutations.conditions import conditions
from sabotage.mutations.contradictions import contradictions
from sabotage.mutations.foreign_keys import foreign_keys
from sabotage.mutations.handwritten import handwritten
from sabotage.mutations.history import history
from sabotage.mutations.indexes import indexes
from sabotage.mutations.keys import keys
from sabotage.mutations.outside import outside
from sabotage.mutations.rights import rights
from sabotage.mutations.rows import rows
from sabotage.mutations.tables import tables
from sabotage.mutations.triggers import triggers

__all__ = ["MAKERS"]

MAKERS = (
    tables,
    columns,
    keys,
    foreign_keys,
    checks,
    indexes,
    triggers,
    rights,
    rows,
    history,
    contradictions,
    conditions,
    outside,
    handwritten,
)
