"""What a run costs, measured against doing the old runbook by hand, as ratios.

=================  ==========================================================================
``lab``            a PostgreSQL server, an sshd in front of it, an inventory that names them
``contents``       what makes a database big: rows of text, or tables
``processes``      CPU time of the processes a run has kept busy
``product``        one run of the playbook, and how long each stage took
``byhand``         the same work as a script of ssh and scp
``comparison``     the two in turn
``shares``         where the time of a run goes
``catalogs``       the scripts that read the catalog, on catalogs of several sizes
``machine``        what all this was measured on
``figures``        what was measured, and the ratios that follow; knows nothing of the above
``page``, ``plot`` the figures as Markdown and as SVG
=================  ==========================================================================
"""
