"""What never leaves the controller.

==============  =================================================================================
`ansible`       the base of the action plugins, and the package that they send
`stages`        what several of them share
`invocation`    the command line, the project and the person who runs it
`request`       the variables of the inventory: what is asked for, allowed and approved
`signing`       signatures of approvals, and ssh-keygen, which verifies them
`runbook`       a runbook, read and checked
`declared`      what a person has written, as records: manifest and runbook
`reading`       YAML with file and line for every fault
`sql`           SQL as text: statements, and what they leave behind
`render`        templates of SQL
`outcome`       what became of a migration, in words
`evidence`      the records of a run, and the chain that they hang in
`progress`      how far a stage is, in lines for whoever waits
`report`        the report, for people
`attestation`   the verdict, signed for those who trust a key
`fleet`         one summary of a run on several hosts
`audit`         what an audit keeps and says
`explain`       what a run has come to and what may be done next, from its evidence
==============  =================================================================================
"""
