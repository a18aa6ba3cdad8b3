"""What a command line has in common with the others: one clear error, and an orderly end.

Exit status: what the command returns, 1 after an error, 130 and 143 interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

import psycopg

from sandbox.errors import SandboxError

__all__ = ["Command", "Parser", "run", "say"]

# What an argument parser has in `command`: set_defaults(command=...).
Command = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Says what is wrong the way everything else here does, and takes no abbreviation."""

    def __init__(
        self,
        prog: str | None = None,
        description: str | None = None,
        *,
        parents: Sequence[argparse.ArgumentParser] = (),
        add_help: bool = True,
    ) -> None:
        super().__init__(
            prog, None, description, parents=parents, add_help=add_help, allow_abbrev=False
        )

    def error(self, message: str) -> NoReturn:
        raise SandboxError(message, hint=f'Try "{self.prog} --help".')


def run(parser: Parser, arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for; returns the exit status. No exception leaves it but
    SystemExit."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        asked = parser.parse_args(arguments)
        command: Command = asked.command
        return command(asked)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Nobody reads any more; what was started has been stopped on the way here.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SandboxError as error:
        failure = error
    except psycopg.Error as error:
        failure = SandboxError(str(error).strip())
    except OSError as error:
        failure = SandboxError(f'"{error.filename}": {error.strerror}')
    sys.stderr.write(f"{failure}\n")
    return 1


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    """End like after Ctrl-C, so that what was begun is taken back."""
    sys.exit(128 + number)
