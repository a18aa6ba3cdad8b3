"""The twin: a throw-away cluster on the target host, restored from the backup just taken.

==============  =================================================================================
`programs`      where the server's programs are
`account`       which account runs them
`directories`   those of a twin, the mark that they carry, and the removal of dead ones
`sharedmemory`  the one thing a killed server leaves outside its directories
`server`        making a cluster, starting and stopping its server
`scratch`       a database beside the source, where there can be no cluster
`supervisor`    the process that owns all this and ends it
`confinement`   what the kernel takes from the server
`preload`       libraries that the source's server has loaded, as far as this host has them
==============  =================================================================================

Runs on the target host: Python 3.9, standard library and psycopg.
"""
