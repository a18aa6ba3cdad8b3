"""Which migrations of public applications can be deployed as they stand.

``python -m tools.corpus`` replays the history of an application on a server of its own, from
nothing. Each migration is planned, looked for, applied and looked for again by the code that
deploys in a run.
"""
