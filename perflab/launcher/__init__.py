"""What `python3 -m perflab` does, with the standard library alone.

- `command` reads the command line and prints each problem as one line;
- `environment` makes `.venv` and installs the requirements, or collects them for an offline room,
  with one of the `installers`;
- `lab` starts Valkey (`valkey`) and Gunicorn, watches them, and ends them;
- `prepare`, run by the environment's Python, prepares the database, the films and the static files.
"""
