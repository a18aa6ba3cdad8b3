"""Runs the product on many versions of PostgreSQL, ansible-core and Python, and says what happened.

``python -m tools.matrix run`` makes what it needs in a cache (servers, virtual environments), runs
one cell after the other, and writes docs/versions.md. The parts, from the bottom up:

===============  ============================================================================
``errors``       what stops everything, and what only keeps one cell from running
``commands``     programs that are run to their end, with an environment of their own
``axes``         the versions, which of them are combined, and how a person picks some
``pythons``      which interpreters this machine has
``cache``        things that are made once
``registry``     downloads from PyPI and npm, pinned by hash
``servers``      the programs of one major version of PostgreSQL
``controllers``  a virtual environment with one ansible-core on one Python
``expect``       what a verdict has to say
``contents``     everything in a database, to be compared
``trial``        the runs of one cell
``results``      what became of a cell, kept in the cache
``table``        docs/versions.md
``work``         all of it, cell by cell
===============  ============================================================================
"""
