"""Templates of SQL, and what may be put into them."""

from .rendering import (
    GLOBALS,
    LedgerRow,
    Rendered,
    compiling,
    render_phase,
    share_code,
    template_environment,
)

__all__ = [
    "GLOBALS",
    "LedgerRow",
    "Rendered",
    "compiling",
    "render_phase",
    "share_code",
    "template_environment",
]
