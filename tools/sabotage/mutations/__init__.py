"""The mutations, one module a kind of object.

`columns`, `tables`, `foreign_keys`, `checks`, `keys`, `indexes`, `triggers`, `rights`, `rows` and
`contradictions` are made from the manifest; `history`, `conditions`, `outside` and `handwritten`
are about what no manifest knows.
"""

from __future__ import annotations

from tools.sabotage.mutations.checks import checks
from tools.sabotage.mutations.columns import columns
from tools.sabotage.mutations.conditions import conditions
from tools.sabotage.mutations.contradictions import contradictions
from tools.sabotage.mutations.foreign_keys import foreign_keys
from tools.sabotage.mutations.handwritten import handwritten
from tools.sabotage.mutations.history import history
from tools.sabotage.mutations.indexes import indexes
from tools.sabotage.mutations.keys import keys
from tools.sabotage.mutations.outside import outside
from tools.sabotage.mutations.rights import rights
from tools.sabotage.mutations.rows import rows
from tools.sabotage.mutations.tables import tables
from tools.sabotage.mutations.triggers import triggers

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
