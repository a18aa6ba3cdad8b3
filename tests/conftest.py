"""What holds for all tests: none fails because a machine is slow, and all can be run on any
version of PostgreSQL."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        type=int,
        metavar="MAJOR",
        help="major version of the server under test (default: the embedded one)",
    )
    parser.addoption(
        "--interruptions",
        type=int,
        default=1,
        metavar="N",
        help="how often a run is interrupted at random, for each way to the host (default: 1)",
    )
    parser.addoption(
        "--interruption-seed",
        type=int,
        default=1,
        metavar="SEED",
        help="which moments and interruptions they are (default: 1)",
    )
    parser.addoption(
        "--first-interruption",
        type=int,
        default=0,
        metavar="N",
        help="number of the first of them, to do a later one again (default: 0)",
    )
    parser.addoption(
        "--tables",
        type=int,
        default=5000,
        metavar="N",
        help="how many tables the database of many tables has (default: 5000)",
    )
