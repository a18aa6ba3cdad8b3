"""The project's pages in a browser.

==============  =================================================================================
`evidence/`     real runs, a file each
`kept`          how they are kept, and written into a directory again
`built`         the pages, made of them by what makes them in a run
`provided`      Chromium and axe-core: got where this can be, and started
`looks`         what is asked of a page that is open
`pictures`      `docs/pictures/`, and from which pages they were taken
==============  =================================================================================

`python -m tests.browser` gets what the tests need. Without Chromium every test is skipped by name.
"""
