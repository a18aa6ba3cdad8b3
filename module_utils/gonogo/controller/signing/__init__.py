"""Approvals that are someone's: signatures by OpenSSH's ssh-keygen over the text of a plan.

`files` reads each file once, `signers` who may sign, `sshsig` whose a signature says it is, and
`keygen` has ssh-keygen say whether it is. What is believed is ssh-keygen's word; what is read here
only makes the question, and an answer that is not about the same key is none.
"""
