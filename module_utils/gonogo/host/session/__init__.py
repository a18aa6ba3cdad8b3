"""Sessions of the database: how a session is opened, whose it is, and what it may do.

Runs on the target host: Python 3.9, standard library and psycopg.
"""
