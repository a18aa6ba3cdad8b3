"""What the modules of this project have in common, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments: the default one (requirements), LOGIN and TIMEOUTS."""

    # Ansible refuses a fragment without options and attributes.
    DOCUMENTATION = r"""
options: {}
requirements:
  - libpq on the target host; psycopg is sent where it is not installed
  - PostgreSQL 13 or later
author:
  - pg-gonogo maintainers
"""

    LOGIN = r"""
options:
  login:
    description:
      - How to reach the database from the target host. No secret stands in it, passwords are read from O(login.passfile).
      - psycopg and the client programs log in the same way. What is not given here comes from the service, then from libpq's own defaults; the files C(~/.pgpass), C(~/.pg_service.conf) and C(~/.postgresql/) of the login user count.
      - Variables of the environment such as E(PGHOST) and E(PGOPTIONS) are ignored.
      - Paths are those of the target host. They begin with C(/) or C(~/), the login user's home.
    type: dict
    required: true
    suboptions:
      db:
        description: Name of the database. A connection string is refused.
        type: str
        required: true
      user:
        description: Role to log in as. By default the name of the login user, as peer authentication wants it.
        type: str
      host:
        description: Host name, address, or directory of the Unix-domain socket.
        type: str
      port:
        description: Port of the server itself, not of a connection pooler.
        type: int
      service:
        description: Name of a service in O(login.service_file). Options given here count before it; a database it names must be O(login.db).
        type: str
      service_file:
        description: Connection service file. One that holds a password must not be readable by others.
        type: path
      passfile:
        description: Password file. It must not be readable by others.
        type: path
      ssl_mode:
        description: TLS mode, as libpq's C(sslmode).
        type: str
        choices: [disable, allow, prefer, require, verify-ca, verify-full]
      ca_cert:
        description: File with the certificate authorities to trust, as libpq's C(sslrootcert).
        type: path
      client_cert:
        description: Certificate to log in with, as libpq's C(sslcert). Its common name is the role.
        type: path
      client_key:
        description: Key of O(login.client_cert), as libpq's C(sslkey). It has no passphrase, and must not be readable by others.
        type: path
      connect_timeout:
        description: Seconds to wait for a connection.
        type: int
        default: 10
"""

    TIMEOUTS = r"""
options:
  timeouts:
    description: Limits set in every session, in PostgreSQL's notation.
    type: dict
    default: {}
    suboptions:
      lock:
        description: Longest wait for a lock.
        type: str
        default: 5s
      statement:
        description: Longest statement.
        type: str
        default: 10min
      idle_in_transaction:
        description: Longest pause within a transaction.
        type: str
        default: 2min
"""

    APPROVAL = r"""
options:
  environment:
    description: Environment of the run.
    type: str
    required: true
  approval:
    description: The approval. Without it, only the plan is shown.
    type: dict
    suboptions:
      answer:
        description: V(COMMIT) followed by the plan's token, or V(ROLLBACK). Anything else changes nothing.
        type: str
      approved_by:
        description: Who approves. For an answer that was typed, by default the user who typed it.
        type: str
      typed:
        description: Whether the answer was typed at the prompt.
        type: bool
        default: false
      run_id:
        description: Run the approval is for.
        type: str
      signatures:
        description: Files with signatures of the plan's text, on the controller. Behind the token of a typed answer there may be more.
        type: list
        elements: str
  plan_hours:
    description: How long a plan can be approved.
    type: int
    default: 24
"""

    BUDGETS = r"""
options:
  budgets:
    description: Limits, written like V(500ms), V(5s) or V(10min).
    type: dict
    default: {}
    suboptions:
      lock:
        description: Waiting for one lock.
        type: str
        default: 2s
      hold:
        description: From the first lock for which the application waits to the end of the transaction.
        type: str
        default: 10s
      statement:
        description: One statement.
        type: str
        default: 10min
      attempts:
        description: How often a transaction is tried that does not get its locks.
        type: int
        default: 10
      wait:
        description: Waiting before it is tried again.
        type: str
        default: 1s
"""
