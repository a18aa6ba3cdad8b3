"""A migration tool's own command, run on a copy of the database, and what it says to it.

==============  =================================================================================
`folder`        the application's folder, by the digests of its files
`protocol`      one session, as PostgreSQL's protocol has it: what was sent, and what came of it
`relay`         the socket between the command and the copy
`values`        the values of prepared statements, in SQL
`confined`      what the kernel takes from the command
`orphans`       what the command leaves behind is ended
`command`       running it
==============  =================================================================================

Runs on the target host: Python 3.9, standard library and psycopg.
"""
