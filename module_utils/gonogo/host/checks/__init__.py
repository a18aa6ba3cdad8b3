"""Phase scripts on the target host, and what breaks a twin under them.

Runs on the target host: Python 3.9, standard library and psycopg.
"""
