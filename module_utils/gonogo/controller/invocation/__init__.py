"""The command that was given: its project, its paths, its person."""
