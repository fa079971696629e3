"""What the toolbar patches in Django, in place only while an inspected request runs.

The toolbar patches some classes for good when its panels are imported, and it leaves wrappers on
the connections and caches of each thread that has inspected a page. All of them cost every other
request something. Here the classes are restored at once, and patched again for as long as a request
is inspected; the wrappers are removed when it has ended.
"""

import threading
from contextlib import contextmanager, suppress

from django.core.cache import CacheHandler, caches
from django.db import connections
from django.template import RequestContext, Template

from perflab.measure import inspection

PATCHED_CLASSES = [Template, RequestContext, CacheHandler]
with suppress(ImportError):  # Jinja is not installed, and then the toolbar does not patch it
    from django.template.backends.jinja2 import Template as JinjaTemplate

    PATCHED_CLASSES.append(JinjaTemplate)

ABSENT = object()

_lock = threading.Lock()
_patches = []  # of the toolbar: class, name of the attribute, value
_originals = []  # what was there before, in the same form, while the patches are in place


@contextmanager
def record():
    """Remember what the block patches in Django's classes, and restore them when it ends."""
    before = {one: dict(vars(one)) for one in PATCHED_CLASSES}
    yield
    for one in PATCHED_CLASSES:
        for name, value in list(vars(one).items()):
            original = before[one].get(name, ABSENT)
            if value is not original:
                _patches.append((one, name, value))
                _assign(one, name, original)


@contextmanager
def in_place():
    """Patch Django while the block runs. Several threads may do so at the same time.

    Every request that this process serves meanwhile is marked as inspected.
    """
    with _lock:
        inspection.begin()
        if inspection.running == 1:
            for one, name, value in _patches:
                _originals.append((one, name, vars(one).get(name, ABSENT)))
                setattr(one, name, value)
    try:
        try:
            yield
        finally:
            remove_wrappers()
    finally:
        with _lock:
            if inspection.running == 1:
                while _originals:
                    _assign(*_originals.pop())
            inspection.end()


def remove_wrappers():
    """Remove what the toolbar has put on this thread's connections and caches."""
    for one in (*connections.all(initialized_only=True), *caches.all(initialized_only=True)):
        for name, value in list(vars(one).items()):
            if name.startswith("_djdt") or is_of_toolbar(value):
                delattr(one, name)


def is_of_toolbar(function):
    """Return whether a function is written in the toolbar's code."""
    module = getattr(function, "__globals__", {}).get("__name__", "")
    return module.partition(".")[0] == "debug_toolbar"


def _assign(one, name, value):
    """Set an attribute of a class, or delete it where it was absent."""
    if value is ABSENT:
        delattr(one, name)
    else:
        setattr(one, name, value)
