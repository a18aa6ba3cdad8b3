"""Every page."""

from __future__ import annotations

from tests.pages import Page
from tests.pages.approvals import APPROVALS
from tests.pages.badinput import BAD_INPUT
from tests.pages.blindness import BLINDNESS
from tests.pages.faults import FAULTS
from tests.pages.forgery import FORGERY
from tests.pages.incidents import INCIDENTS
from tests.pages.messages import MESSAGES
from tests.pages.migration_tools import MIGRATION_TOOLS
from tests.pages.objects import OBJECTS
from tests.pages.programs import PROGRAMS
from tests.pages.reports import REPORTS
from tests.pages.security import SECURITY

PAGES: tuple[Page, ...] = (
    APPROVALS,
    BAD_INPUT,
    BLINDNESS,
    FAULTS,
    FORGERY,
    INCIDENTS,
    MESSAGES,
    MIGRATION_TOOLS,
    OBJECTS,
    REPORTS,
    PROGRAMS,
    SECURITY,
)
