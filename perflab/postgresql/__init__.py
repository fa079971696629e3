"""Django's backend for PostgreSQL, with a limit on how long a page waits for a silent server.

A server that has stopped (a full disk, a frozen machine) obeys no `statement_timeout`, and psycopg
waits for ever. See docs/settings.md, "Databases".
"""
