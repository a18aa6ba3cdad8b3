"""Which migrations of public applications can be deployed as they stand: ``python -m tools.corpus``.

The history of an application is replayed on a server of its own, from nothing. Each migration is
planned, looked for, applied and looked for again by the code that deploys in a run; what one of them
needs is what the ones before it have left.
"""
