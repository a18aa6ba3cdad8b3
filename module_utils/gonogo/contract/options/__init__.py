"""The options of every stage, declared once: one file a stage.

An option says its name, type, default and text, where it is used, and the variable of the
inventory that it comes from. From that follow the argument spec of the task
(`controller/stages/X.py`), that of the entry (`host/stages/X.py`) and what the one passes on to
the other. What Ansible reads as files is written from it by `python -m tests.generated`: the
documentation of the modules, what the roles say of their variables, and docs/variables.md.

==============  =================================================================================
`option`        what an option, a variable and the options of a stage are
`shared`        what several stages take: login, timeouts, budgets, approval
`every`         the stages, in the order of a run
==============  =================================================================================
"""
