"""Applies a migration, says what each statement of it costs, and takes it back.

`recognise` finds out whether the migration is there, from the real schema; `apply` runs it under
budgets, `single` each statement of it, `trace` measures them, `history` keeps the migration tool's
record, `deployment` is the whole of it, `undo` the way back.

Runs on the target host: Python 3.9, standard library and psycopg.
"""
