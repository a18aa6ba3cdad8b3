"""The backup: pg_dump, and what stands in an archive.

Runs on the target host: Python 3.9, standard library and psycopg.
"""
