"""Files of the target host: private ones, and the removal of what nobody finished.

Runs on the target host: Python 3.9, standard library only.
"""
