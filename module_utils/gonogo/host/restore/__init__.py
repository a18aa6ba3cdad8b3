"""Restoring an archive, each part with the rights of its owner.

================  ===============================================================================
`cluster_globals` roles, memberships, settings and the empty database, as the source has them
`attempts`        a restore that fails is tried once more, in the plainest way
`restoring`       pg_restore, and the archive seen to be the one that was sealed
`failures`        what pg_restore says of a failure: pure functions
`parts`           who restores which entry of an archive: pure functions
`standins`        the roles that do it
`filling`         the whole restore, and what is in the database then
`lending`         rights that the stand-ins are lent, and for what
`switches`        switches of partitions' triggers, restored last
`rights`          whose functions restoring an archive would run
`made_database`   a database that was made here, known again by its comment
`holdings`        what is in a database in use
`exchange`        two databases change their names
`replace`         all of it for the approved restore of a backup
`restored`        whether an interrupted restore was done
================  ===============================================================================

Runs on the target host: Python 3.9, standard library and psycopg.
"""
