"""The migration tools, one a file.

The name of a file is the tool's key in runbook.yml, and its one class is the tool's `History`.
"""
