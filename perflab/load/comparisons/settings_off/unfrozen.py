"""Gunicorn's settings, with a collector that goes through all objects, also those of the start."""

import gc

from perflab.base import paths

path = paths.ROOT / "gunicorn.conf.py"
exec(compile(path.read_text(), path, "exec"))

gc.freeze = lambda: None  # the hooks call it, in Gunicorn and in each worker
