"""Runs a race: several sessions, step by step, in an order that is declared as data.

A race is the one check that cannot be one script, because it needs one transaction to wait for
another. Whether a session waits is not guessed from the time that passes: the server is asked.

A spec (a runbook's `races/<id>.yml.j2`, one residue mode of it, rendered) is a mapping:

    check, title  id and words
    expected      what a pass looks like, one sentence
    setup         optional SQL that the first session runs and keeps before everything else
    permutations  list of
        name      words
        steps     list of
            session   name of the session that acts
            sql       what it sends; without it, the step is the end of what the session is at
            expect    outcome, or list of outcomes, with which the race goes on
            wrong     outcomes that prove a fault: the check fails
        question  SQL asked of the first session after all others are done: one row (ok boolean,
                  examined bigint, observed text)

An outcome is `accepted`, `{waits_for: session}` or `{refused: [sqlstate, ...], by: [constraint,
...]}`, where `by` may be left out. Any other outcome, and none before the deadline, leaves the
check inconclusive.

`spec` reads it, `replay` writes it down for a person with two windows, `run` runs it; only the last
needs psycopg.
"""
