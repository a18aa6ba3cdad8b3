"""Runs a race: several sessions, step by step, in an order that is declared as data.

A race is the one check that cannot be one script, because it needs one transaction to wait for
another. Whether a session waits is not guessed from the time that passes: the server is asked.

A spec (a runbook's `races/<id>.yml.j2`, for one value of gonogo_residue, rendered) is a mapping:

    check, title  id and words
    expected      what a pass looks like, one sentence
    setup         optional SQL that the first session runs and keeps before everything else
    permutations  list of
        name      words
        steps     list of
            session   name of the session that acts
            sql       what it sends; without it, the step is the end of the statement that it runs
            expect    outcome, or list of outcomes, with which the race goes on
            wrong     outcomes that prove a fault: the check fails
        question  SQL that the first session runs after all others are done: one row (ok boolean,
                  examined bigint, observed text)

An outcome is `accepted`, `{waits_for: session}` or `{refused: [sqlstate, ...], by: [constraint,
...]}`, where `by` may be left out. The check is inconclusive where another outcome comes, or none
before the deadline.

`contract/race_spec.py` reads a spec, `run` runs it.
"""
