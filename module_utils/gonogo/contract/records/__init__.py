"""What travels between host, controller, evidence and verdict: one file a record.

`reading` makes a record of a JSON object and the other way round, by the hints of its fields.
"""
