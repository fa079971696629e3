"""`manage.py load --classes` and `--tuning`: what they say and refuse, and a short run of each."""

import gc
import re
import runpy
import shlex
from importlib import import_module
from types import SimpleNamespace
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connections
from django.template import Engine
from gunicorn.config import Config

from perflab.base.network import Address
from perflab.load import plan
from perflab.load import run as runs
from perflab.load.comparisons import classes, requests, tuning, tuning_rounds
from perflab.load.gunicorn import Gunicorn
from perflab.management.commands.load import Command, command_line
from perflab.measure import server_timing
from tests.labs import ROOT
from tests.test_load import command, kept, refusal, started, var  # noqa: F401

ROUNDS = [10.0, 10.1, 10.2, 9.9, 10.3, 10.0]


def found(on, off, name="preload"):
    """A switch whose p50 was so in each round."""
    return tuning.compared(tuning.SWITCHES[name], {"p50_ms": on}, {"p50_ms": off})


# What figures mean. ----------------------------------------------------------------------------


def test_less_with_the_switch_on_is_a_gain():
    switch = found([0.8 * ms for ms in ROUNDS], ROUNDS)

    assert switch["ratios"]["p50_ms"]["ratio"] == pytest.approx(0.8)
    assert switch["verdict"] == "preload: on it gains p50 20 % less; off by default."


def test_more_with_the_switch_on_is_a_cost():
    switch = found([1.5 * ms for ms in ROUNDS], ROUNDS)

    assert switch["verdict"] == "preload: on it costs p50 50 % more; off by default."


def test_a_gain_and_a_cost_are_both_told():
    on = {"p50_ms": ROUNDS, "memory_mb": [0.5 * mb for mb in ROUNDS]}
    off = {"p50_ms": [0.5 * ms for ms in ROUNDS], "memory_mb": ROUNDS}

    switch = tuning.compared(tuning.SWITCHES["gc-freeze"], on, off)

    assert switch["verdict"] == (
        "gc-freeze: on it gains memory 50 % less and costs p50 100 % more; on by default."
    )


@pytest.mark.parametrize(
    ("on", "off", "why"),
    [
        ([9.0, 11.0, 8.0, 12.0, 9.5, 10.5], ROUNDS, "the rounds do not agree"),
        ([0.98 * ms for ms in [10.0] * 6], [10.0] * 6, "2 % is not worth a setting"),
    ],
)
def test_what_is_chance_or_small_is_no_difference(on, off, why):
    assert "no measurable difference" in found(on, off)["verdict"], why


def test_three_rounds_are_too_few_to_tell():
    switch = found([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])

    assert "too few rounds to tell (at least 4)" in switch["verdict"]


def point(name, per_s, page="io-bound", **more):
    base = {"scenario": page, "name": name, "workers": 2, "requests": 100, "failures": 0}
    base |= {"requests_per_s": per_s, "busiest_share": 0.5, "server_cpu_ms": 2.0}
    return base | {"generator_bound": False, "other_cpu": 0.0} | more


def test_the_classes_are_told_with_what_they_cost():
    points = [
        point("sync", 40),
        point("gthread", 100, busiest_share=0.7),
        point("asgi", 400, server_cpu_ms=3.0),
    ]

    assert classes.verdict(points) == (
        "io-bound: asgi answers most, 400.0 requests/s, 10.0 times as many as sync on 2 workers "
        "each. gthread on io-bound: one of 2 workers did 70 % of the work. asgi computes 3.0 ms "
        "for a request that only waits, 1.5 times what sync does."
    )


def test_a_busy_machine_is_told_beside_the_classes():
    points = [point("sync", 40), point("asgi", 400, other_cpu=0.9)]

    assert classes.doubts(points) == [
        "other programs used the machine's cores as well (1 of 2 points)"
    ]


# What is the default. --------------------------------------------------------------------------


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


@pytest.mark.parametrize("switch", tuning.SWITCHES.values(), ids=tuning.SWITCHES)
def test_both_ways_of_a_switch_are_different_and_one_is_the_labs_own(switch):
    ways = [(way.arguments, way.config, way.settings) for way in (switch.on, switch.off)]

    assert ways[0] != ways[1]
    assert switch.name == "keep-alive" or ways[switch.default == "off"] == ((), None, None)
    for name in filter(None, (switch.on.settings, switch.off.settings)):
        assert (ROOT / f"{name.replace('.', '/')}.py").exists()


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
    hooks["post_worker_init"](SimpleNamespace(line=SimpleNamespace(ready=lambda: None)))

    assert gc.get_freeze_count() == before


@pytest.mark.parametrize(("preloaded", "closed"), [(True, ["db", "caches"]), (False, [])])
def test_what_is_open_before_a_fork_is_closed(monkeypatch, preloaded, closed):
    found = []
    monkeypatch.setattr(connections, "close_all", lambda: found.append("db"))
    monkeypatch.setattr(caches, "close_all", lambda: found.append("caches"))
    server = SimpleNamespace(scoreboard=SimpleNamespace(reserve=lambda: 3))
    server.cfg = SimpleNamespace(preload_app=preloaded)

    runpy.run_path(str(ROOT / "gunicorn.conf.py"))["pre_fork"](server, SimpleNamespace())

    assert found == closed


# What is refused. ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "name a scenario, or ask for --classes or --tuning"),
        ("--classes --tuning", "not allowed with"),
        ("--classes io-bound", "--classes loads io-bound and cpu-bound: name no scenario"),
        ("--classes --worker-class sync", "--classes takes no --worker-class"),
        ("--classes --workers 1,2", "--classes takes one number of workers"),
        ("--classes --ms 5000", "--ms: must be a whole number from 0 to 1,000"),
        ("--tuning browse", "--tuning loads one address, and browse is many"),
        ("--tuning --rounds 0", "--rounds: must be a whole number from 1 to 100"),
        ("--tuning --switches turbo", "--switches: there is no switch 'turbo'; there are preload,"),
        ("--tuning --host http://127.0.0.1:1", "--tuning takes no --host"),
        ("--tuning n-plus-one --both", "--tuning compares no variants"),
        ("io-bound --rounds 3", "--rounds is for --tuning"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_status_two(arguments, words):
    assert words in refusal(2, *arguments.split())


def test_a_page_that_is_not_found_ends_the_rounds(lab):
    with pytest.raises(plan.LoadRefused, match=r"/nowhere/ answers 404"):
        tuning_rounds.ask(Address("127.0.0.1", lab.port), "/nowhere/", 0.1, 2)


def test_the_commands_in_the_docs_can_be_run():
    text = (ROOT / "docs/do-more.md").read_text()
    lines = re.findall(r"^\.venv/bin/python (manage\.py load --(?:classes|tuning).*)$", text, re.M)
    assert len(lines) >= 3

    for line in lines:
        _, name, *arguments = shlex.split(line)
        options = vars(Command().create_parser("manage.py", name).parse_args(arguments))
        requests.check(options)
        assert command_line(options) == line


def test_the_docs_name_every_switch():
    text = (ROOT / "docs/do-more.md").read_text()

    assert [name for name in tuning.SWITCHES if f"`{name}`" not in text] == []


# Real runs. ------------------------------------------------------------------------------------


def test_a_switch_is_turned_in_rounds_and_kept(var):  # noqa: F811
    process = command(var, "load --tuning --switches preload --rounds 1 --duration 1s")

    output, errors = process.communicate(timeout=120)

    assert process.returncode == 0, errors
    run = kept(var)
    assert (run["kind"], run["state"], run["rounds"]) == ("tuning", "done", 1)
    assert run["path"] == "/experiments/n-plus-one/fast/"
    (switch,) = run["switches"]
    assert switch["name"] == "preload"
    assert set(switch["ratios"]) == set(tuning.FIGURES)
    assert all(len(v) == 1 for variant in switch["measured"].values() for v in variant.values())
    preload = switch["ratios"]
    assert preload["memory_mb"]["ratio"] < 1  # the workers share what was loaded before the fork
    assert preload["start_cpu_s"]["ratio"] < 1
    assert "preload: too few rounds to tell" in output
    assert not started(var)


def test_asgi_serves_the_calibrated_pages_many_at_a_time(var, monkeypatch):  # noqa: F811
    monkeypatch.setenv("PERFLAB_VAR", str(var))
    monkeypatch.setenv("DATABASE_URL", "")
    contender = next(c for c in classes.CONTENDERS if c.worker_class == "asgi")
    (wish,) = [
        asked
        for who, asked in classes.plans(1, 1, 6, duration_s=1, ms=100)
        if who is contender and asked.scenario == "io-bound"
    ]

    point = classes.measured(contender, wish, {}, lambda phase, window=None: None)

    assert point["failures"] == 0
    assert point["requests_per_s"] > 1.5 * 10  # one at a time would be at most 10
    assert point["busiest_share"] == 1
    assert point["memory_mb"] > 10
    assert point["server_cpu_ms"] > 0
    assert not started(var)


def test_under_asgi_the_probe_counts_what_a_page_asks(var, monkeypatch):  # noqa: F811
    monkeypatch.setenv("PERFLAB_VAR", str(var))
    monkeypatch.setenv("DATABASE_URL", "")

    with Gunicorn(1, 1, "asgi") as server:
        address = f"{server.url}/experiments/n-plus-one/slow/?movies=5"
        with urlopen(address, timeout=20) as answer:
            timing = server_timing.load(answer.headers["Server-Timing"])

    assert timing["queries"] == 6
    assert "cpu" not in timing  # that thread's clock says nothing here
    assert "Traceback" not in server.log.read_text()


# The page. -------------------------------------------------------------------------------------


@pytest.fixture
def keep(tmp_path, settings):
    """A function that keeps a run of the last moment, with the switches given."""
    settings.VAR = tmp_path

    def kept_run(*switches, moment="20260101-000000"):
        run = {"version": 1, "id": f"{moment}-tuning-1", "kind": "tuning", "state": "done"}
        run |= {"date": "2026-01-02T03:04:00+00:00", "path": "/a/page/", "rounds": 6, "users": 1}
        runs.save({**run, "workers": 2, "switches": list(switches), "warnings": ["it was busy"]})

    return kept_run


def test_the_page_shows_the_last_run_with_its_date(client, keep):
    keep(found(ROUNDS, ROUNDS, "max-requests"), moment="20250101-000000")
    keep(found([0.8 * ms for ms in ROUNDS], ROUNDS))

    page = client.get("/tuning/").content.decode()

    assert "2 Jan 2026, 03:04 UTC · done" in page
    assert "preload: on it gains p50 20 % less; off by default." in page
    assert "<td>8.04</td><td>10.05</td><td>0.80</td>" in page
    assert "Mind: it was busy." in page
    assert "max-requests" not in page


def test_without_a_run_the_page_says_how_to_make_one(client, keep):
    page = client.get("/tuning/").content.decode()

    assert "manage.py load --tuning" in page
    assert "on ÷ off" not in page
