"""Test what a setting's other way changes: one thing, and nothing else."""

import gc
import runpy
from importlib import import_module
from types import SimpleNamespace

from django.conf import settings
from django.template import Engine
from gunicorn.config import Config

from perflab.load.comparisons import tuning
from tests.support.labs import ROOT


def gunicorn_settings(path):
    """A configuration file of Gunicorn's, read as Gunicorn reads it, without its hooks."""
    names = {}
    exec(compile(path.read_text(), path, "exec"), {"__file__": str(path)}, names)
    return names


def test_what_is_called_the_default_is_what_the_lab_does():
    default = {name: switch.default == "on" for name, switch in tuning.SWITCHES.items()}
    text = (ROOT / "gunicorn.conf.py").read_text()
    own = gunicorn_settings(ROOT / "gunicorn.conf.py")

    assert default == {
        "preload": own["preload_app"],
        "gc-freeze": "gc.freeze()" in text.partition("def post_worker_init")[2],
        "keep-alive": own.get("keepalive", Config().keepalive) > 0,
        "max-requests": own.get("max_requests", Config().max_requests) > 0,
        "persistent-connections": settings.DATABASES["default"]["CONN_MAX_AGE"] > 0,
        "cached-templates": "loaders" not in settings.TEMPLATES[0]["OPTIONS"],
    }


def test_the_other_way_differs_in_one_thing():
    own = import_module("perflab.settings")
    anew = import_module("perflab.load.comparisons.settings_off.new_connections")
    uncached = import_module("perflab.load.comparisons.settings_off.uncached_templates")

    def changed(module):
        return {
            name
            for name in dir(own)
            if name.isupper()
            if getattr(module, name) != getattr(own, name)
        }

    assert changed(anew) == {"DATABASES"}
    assert anew.DATABASES["default"]["CONN_MAX_AGE"] == 0
    assert changed(uncached) == {"TEMPLATES"}
    (loader, *_) = engine_of(uncached.TEMPLATES).template_loaders
    assert not hasattr(loader, "get_template_cache")
    (cached,) = engine_of(own.TEMPLATES).template_loaders
    assert hasattr(cached, "get_template_cache")


def engine_of(templates):
    """The engine that Django makes of a TEMPLATES setting without DEBUG."""
    (given,) = templates
    return Engine(given["DIRS"], given["APP_DIRS"], debug=False, **given["OPTIONS"])


def test_unfrozen_nothing_is_kept_from_the_collector(monkeypatch):
    monkeypatch.setattr(gc, "freeze", gc.freeze)  # put back afterwards
    before = gc.get_freeze_count()

    hooks = runpy.run_path(tuning.SWITCHES["gc-freeze"].off.config)
    writer = SimpleNamespace(mark_ready=lambda: None)
    hooks["post_worker_init"](SimpleNamespace(slot_writer=writer))

    assert gc.get_freeze_count() == before
