"""What both parts of the project know: errors, limits, the login, the form of what travels.

Python 3.9, standard library only.
"""
