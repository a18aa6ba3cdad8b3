"""Templates of SQL, and what may be put into them."""

from .rendering import (
    GLOBALS,
    Rendered,
    compiling,
    render_phase,
    share_code,
    template_environment,
)

__all__ = [
    "GLOBALS",
    "Rendered",
    "compiling",
    "render_phase",
    "share_code",
    "template_environment",
]
