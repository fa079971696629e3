"""Gunicorn's settings, with the collector going through all objects, those of the start too."""

import gc

from perflab.base import paths

path = paths.ROOT / "gunicorn.conf.py"
exec(compile(path.read_text(), path, "exec"))

gc.freeze = lambda: None  # the hooks call it, in Gunicorn and in each worker
