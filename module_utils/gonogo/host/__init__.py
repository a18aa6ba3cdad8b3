"""What travels to the target host: its part of every stage.

==============  =================================================================================
`answer`        the request of the controller, answered: the module `gonogo_remote` calls it
`stages`        what can be asked for, one file an entry
`transport`     the bundle that the project travels in, and psycopg where the host has none
`progress`      how far a stage is, written down for whoever waits
`session`       connections: identity, run lock, rights, snapshots
`files`         private files, and removing what nobody finished
`archive`       pg_dump, and the table of contents of what it writes
`compare`       fingerprint and catalog of a database, and whether two are equal
`restore`       pg_restore: who restores what, and in which order
`twin`          the throw-away cluster
`migrate`       applying a migration, its cost, and taking it back
`race`          several sessions, step by step
`checks`        phase scripts: running them, and finding out which can fail
==============  =================================================================================

Python 3.9, standard library and psycopg. Imports nothing of `controller` and `verdict`.
"""
