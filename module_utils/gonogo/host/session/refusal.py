"""Why a login was refused, and what to do about it.

libpq says more than a person needs, in several lines; this makes one error of it. Pure functions.

Runs on the target host: Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from typing import Any

from ...contract.errors import GonogoError
from ...contract.login import Login

__all__ = ["refused"]

# What psycopg puts before libpq's own words, and between them where a name has more than one
# address.
_PREFIX = re.compile(r"^(?:- host: .*?: )?connection (?:failed|is bad): ", re.MULTILINE)
_SEVERAL = "Multiple connection attempts failed. All failures were:"

# libpq's words → what helps. A libpq without translations speaks English; for other languages
# there is the last hint.
_HINTS = tuple(
    (re.compile(said), hint)
    for said, hint in (
        (
            "no password supplied",
            "No line of the password file fits this host (as login.host writes it), port, "
            "database and user; or others can read the file. Without login.passfile it is "
            "~/.pgpass of the login user.",
        ),
        ("password authentication failed", "Correct the password in the password file."),
        (
            "Peer authentication failed",
            "Over the socket a role logs in as the account of the same name. Give login.user that "
            "name, or log in with login.host and login.passfile.",
        ),
        (
            "does not match host name",
            "Write login.host as the server's certificate does.",
        ),
        (
            "certificate verify failed",
            "login.ca_cert must hold the authority that has signed the server's certificate.",
        ),
        ("root certificate file", "Give login.ca_cert, a PEM file of authorities to trust."),
        (
            "does not support SSL",
            "login.ssl_mode asks for TLS, and this server has none. Turn it on there.",
        ),
        ("requires a valid client certificate", "Give login.client_cert and login.client_key."),
        (
            "certificate authentication failed",
            "The common name of login.client_cert must be login.user.",
        ),
        (
            "alert .*certificate|alert unknown ca",
            "The server does not accept login.client_cert. It must be in date, and signed by an "
            "authority the server trusts.",
        ),
        (
            "private key file|not private key|certificate file",
            "login.client_key must be the key of login.client_cert, without a passphrase, 0600.",
        ),
        (
            "pg_hba.conf",
            "The server has no rule that lets this login in. Rules can depend on TLS: mind "
            "login.ssl_mode.",
        ),
        (
            "service file|definition of service",
            "login.service is a section of login.service_file, or else of ~/.pg_service.conf of "
            "the login user.",
        ),
        (
            "too many connections|too many clients|remaining connection slots",
            "A run has up to ten sessions at once. CONNECTION LIMIT of the role or of the "
            "database, or max_connections of the server, allows fewer: raise it, or set "
            "backup_jobs and twin_jobs to 1.",
        ),
        (
            "authentication due to timeout",
            "authentication_timeout of the server is too short for this login; its "
            "configuration sets it.",
        ),
        (
            "resolve host|translate host name|Is the server running|timeout|timed out",
            "Check login.host and login.port as seen from the target host.",
        ),
        ('database ".*" does not exist', "Correct login.db."),
    )
)
_OTHERWISE = "Check login (host, port, user, service, passfile) in the inventory."


def refused(login: Login, error: Any) -> GonogoError:
    """The one error for a failed attempt to connect; `error` is psycopg's."""
    text = _PREFIX.sub("", str(error).rpartition(_SEVERAL)[2])
    # With sslmode=prefer, libpq tries twice and says it twice.
    lines = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
    said = "\n".join(lines)
    attempt = getattr(error, "pgconn", None)
    if attempt is not None and attempt.needs_password:
        return _error(login, said, _HINTS[0][1])
    hints = (hint for pattern, hint in _HINTS if pattern.search(said))
    return _error(login, said, next(hints, _OTHERWISE))


def _error(login: Login, said: str, hint: str) -> GonogoError:
    return GonogoError(f"cannot connect to database {login.db!r}", detail=said, hint=hint)
