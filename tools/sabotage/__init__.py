"""Tries the gate: breaks a copy of the database in one way, and looks what the gate says to it.

Bottom up:

=============  =================================================================
`change`       what is done to a copy: a `Mutation` that must be caught, a `Variant` that must not
`shape`        the manifest, as the mutations are made from it
`subjects`     which checks a subject is the business of
`mutations/`   the mutations, one module a kind of object
`variants`     the benign variants
`catalogue`    all of them, and a sample
`gate`         the run's own stages and verdict, without Ansible and SSH between them
`lab`          a server, and one change after the other on copies of one database
`records`      what came of it, kept from run to run
`work`         several processes with a lab each
`score`        what was caught, and for which reason
`page`         the figures as a page of Markdown
=============  =================================================================
"""
