"""Phase scripts on the target host, and the removal of the rows that they have left.

Runs on the target host: Python 3.9, standard library and psycopg.
"""
