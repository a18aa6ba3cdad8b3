"""What a person has written, as records: one file for each kind of YAML.

The shape of a file is looked at first, with file and line for every fault (`reading.schema`); what
is right is read here once, and whoever works with it knows which keys there are. Templates get the
plain form again, where they are rendered.
"""
