"""Whether two databases are equal: their rows, sequences, large objects and definitions.

Runs on the target host: Python 3.9, standard library and psycopg.
"""
