"""The twin: a throw-away cluster on the target host, restored from the backup just taken.

==============  =================================================================================
`programs`      where the server's programs are
`account`       which account runs them
`place`         the directories of a twin, the mark of who keeps it, and what is left of dead ones
`sharedmemory`  the one thing a killed server leaves outside its directories
`server`        making a cluster, starting and stopping its server
`likeness`      roles, memberships, settings and the empty database, as the source has them
`scratch`       a database beside the source, where there can be no cluster
`keeper`        the process that owns all this and ends it
`confinement`   what the kernel takes from the server
`preload`       libraries that the source's server has loaded, as far as this host has them
`attempts`      a restore that fails is tried once more, in the plainest way
`restoring`     pg_restore, and the archive seen to be the one that was sealed
`failures`      what pg_restore says of a failure: pure functions
`parts`         who restores which entry of an archive: pure functions
`standins`      the roles that do it
`filling`       the whole restore, and what is in the database then
`reading`       a database in use, read without lending its code the login's rights
`proof`         what was restored against what was dumped: a pure function
`stage`         all of it in order
==============  =================================================================================

Runs on the target host: Python 3.9, standard library and psycopg.
"""
