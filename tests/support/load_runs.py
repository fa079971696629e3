"""Make load runs as `manage.py load` keeps them, and read their drawings."""

from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def point(per_s, **options):
    """A point with 50 ms to a request and a theory of 20/s for each worker."""
    rest = {"variant": None, "workers": 1, "threads": 1, "worker_class": "sync", "users": 8}
    rest |= {"requests": 100, "failures": 0, "requests_per_s": per_s, "p50_ms": 50, "p95_ms": 60}
    rest |= {"p99_ms": 70, "expected_per_s": 20 * options.get("workers", 1), **options}
    return rest


def run_of(*points, name="20260101-120000-io-bound-1", **options):
    """A run as `manage.py load` keeps it."""
    return {
        "version": 1,
        "id": name,
        "date": "2026-01-01T12:00:00+00:00",
        "state": "done",
        "command": "manage.py load io-bound --workers 1,2,4",
        "scenario": "io-bound",
        "points": list(points),
        "verdict": "I/O-bound: throughput still rises at 4 workers.",
        **options,
    }


WORKERS = [point(19, workers=1), point(39, workers=2), point(77, workers=4)]


def heights(svg, css):
    """The y of each mark of a line in a drawing."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}circle")
    return [float(mark.get("cy")) for mark in found if mark.get("class") == f"dot {css}"]
