"""An embedded PostgreSQL server with a realistic database: an ordinary target to try things on.

``python -m sandbox start`` needs no root, no Docker, no network and no installed server. The
parts, from the bottom up:

=================  ==========================================================================
``errors``         the one exception, printed the way PostgreSQL prints its errors
``process``        which process is it really: pid and start time
``account``        under which operating system account the server runs
``programs``       where the server's programs are
``logins``         the database logins, their passwords and the files clients read
``cluster``        one server with its data directory: start, stop, connect
``database``       what is in a database: schema, profile, rows, marker
``state``          what a running sandbox says about itself in its directory
``lifecycle``      start, status and stop over all of it
=================  ==========================================================================
"""
