"""What the derived checks notice: defects put into the last migrations of an application.

Bottom up:

===========  ======================================================================
`kinds`      the defects: what each adds to a migration, and which checks it is the subject of
`shape`      tables, columns and keys of the application that the defects are about
`agreement`  where a derived check asks what a shipped one asks
`lab`        one database before the migrations, and one copy for each defect
`page`       the figures as a page of Markdown
===========  ======================================================================
"""
