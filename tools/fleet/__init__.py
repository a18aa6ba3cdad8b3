"""Many databases in one run, some of them broken: what the others lose by it.

`lab` makes the databases and plays, `breakages` is what can be wrong with one of them, `page`
writes docs/fleet.md.
"""
