"""Python packages on their way to the target host.

Runs on the target host: Python 3.9, standard library only.
"""
