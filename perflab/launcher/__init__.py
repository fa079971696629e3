"""What `python3 -m perflab` does, with the standard library alone.

- `command` reads the command line and says what went wrong, in one line;
- `environment` makes `.venv` and installs the requirements, or collects them for an offline room,
  with one of the `installers`;
- `lab` starts Valkey (`valkey`) and Gunicorn, minds them, and ends them;
- `prepare` is run by the environment's Python: database, films, static files.
"""
