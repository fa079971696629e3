"""hey, ab and wrk as processes of ours, and what they write, read. Each loads one address."""

import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from perflab.base.config import count_cores
from perflab.base.processes import end, spawn

from ..plan import LoadRefused
from ..window import Meter, Window

WRK = Path(__file__).with_name("wrk.lua")
MOST = 1_000_000  # requests that ab keeps room for
PACKAGES = {"hey": "hey", "ab": "apache2-utils", "wrk": "wrk"}
LATE_S = 30  # after its time, when it is taken for stuck


def check(generator):
    """Raise LoadRefused when the program is not installed."""
    if not shutil.which(generator):
        raise LoadRefused(
            f"{generator} is not installed; on Debian and Ubuntu: apt install {PACKAGES[generator]}"
        )


def ceiling(generator):
    """How many cores the program can use."""
    return count_cores() if generator == "hey" else 1


def command(generator, url, users, seconds, folder):
    """The program's command line; ab writes its percentiles into `folder`."""
    whole = f"{max(1, round(seconds))}"
    return {
        "hey": ["hey", "-z", f"{seconds:g}s", "-c", str(users), "-disable-redirects", url],
        # -t sets -n too, so -n comes after it. -l: pages may differ in length. -r: go on.
        "ab": ["ab", "-q", "-l", "-r", "-t", whole, "-n", str(MOST), "-c", str(users)]
        + ["-e", f"{folder}/percent.csv", url],
        "wrk": ["wrk", "-t", "1", "-c", str(users), "-d", f"{whole}s", "--timeout", "30s"]
        + ["-s", str(WRK), url],
    }[generator]


def load(generator, path, server, users, seconds, warm_up_s):
    """Yield ("measured", last, Window or None): None while the program says nothing yet.

    Raises LoadRefused when it fails.
    """
    url = server.url + path
    with tempfile.TemporaryDirectory() as folder:
        if warm_up_s:
            yield from ticks(command(generator, url, users, max(1, warm_up_s), folder), 0, [])
        meter, output = Meter(server), []
        began, used = time.perf_counter(), children_cpu_s()
        yield from ticks(command(generator, url, users, seconds, folder), seconds, output)
        took = time.perf_counter() - began
        percent = Path(folder) / "percent.csv"
        table = percent.read_text() if percent.exists() else ""
        found = READERS[generator]("".join(output), table)
        window = Window(users=users, generator_cpu=(children_cpu_s() - used) / took, **found)
        yield "measured", True, meter.stamp(window)


def ticks(line, seconds, output):
    """Run a program, yielding now and then; what it writes is put into `output`."""
    with tempfile.TemporaryFile("w+") as written:
        process = spawn(line, stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + seconds + LATE_S
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise LoadRefused(f"{line[0]} has not ended {LATE_S} s after its time")
                time.sleep(0.1)
                yield "measured" if seconds else "warming up", False, None
        finally:
            end(process, 1)
        written.seek(0)
        said = written.read()
    if process.returncode:
        words = " ".join(said.split("\n")[-3:]).strip()[-200:]
        raise LoadRefused(f"{line[0]} failed with status {process.returncode}: {words}")
    output.append(said)


def children_cpu_s():
    """CPU seconds of all children of ours that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def figure(pattern, text, default=None):
    """The number that a pattern finds in a program's output."""
    found = re.search(pattern, text, re.MULTILINE)
    if not found and default is None:
        raise LoadRefused(
            f"what the load generator says is not understood: {text[-200:].strip()!r}"
        )
    return float(found[1]) if found else default


def read_hey(text, _):
    """hey's summary: seconds, of which it shows four digits."""
    statuses = re.findall(r"^\s+\[(\d{3})\]\s+(\d+) responses", text, re.MULTILINE)
    broken = text.partition("Error distribution:")[2]
    errors = sum(int(n) for n in re.findall(r"^\s+\[(\d+)\]\s", broken, re.MULTILINE))
    answered = sum(int(count) for _, count in statuses)
    wrong = sum(int(count) for status, count in statuses if status != "200")
    seconds = figure(r"Total:\s+([\d.]+) secs", text)
    if not answered:
        return nothing(seconds, errors)
    return {
        "seconds": seconds,
        "requests": answered + errors,
        "failures": wrong + errors,
        "mean_ms": 1000 * figure(r"Average:\s+([\d.]+) secs", text),
        # hey leaves percentiles away, or 0, that a few requests do not have.
        **{f"p{n}_ms": in_ms(figure(rf"^\s+{n}%+ in ([\d.]+) secs", text, -1)) for n in RANKS},
    }


def read_ab(text, table):
    """ab's counts, and from its table of hundred percentiles the times, also their mean."""
    times = [float(line.partition(",")[2]) for line in table.splitlines()[1:]]
    requests = int(figure(r"^Complete requests:\s+(\d+)", text))
    seconds = figure(r"^Time taken for tests:\s+([\d.]+) seconds", text)
    failures = figure(r"^Failed requests:\s+(\d+)", text)
    failures += figure(r"^Non-2xx responses:\s+(\d+)", text, 0)
    if not requests or not times:
        return nothing(seconds, int(failures))
    return {
        "seconds": seconds,
        "requests": requests,
        "failures": int(min(failures, requests)),
        "mean_ms": sum(times) / len(times),
        **{f"p{n}_ms": times[min(n, len(times) - 1)] for n in RANKS},
    }


def read_wrk(text, _):
    """The line that wrk.lua writes."""
    found = dict(re.findall(r"(\w+)=([\d.]+)", text.partition("perflab ")[2]))
    if not found:
        raise LoadRefused(f"what wrk says is not understood: {text[-200:].strip()!r}")
    requests, failures = int(found["requests"]), int(found["failures"])
    if not requests:
        return nothing(float(found["seconds"]), failures)
    return {
        "seconds": float(found["seconds"]),
        "requests": requests,
        "failures": failures,
        **{f"{name}_ms": float(found[name]) for name in ("mean", "p50", "p95", "p99")},
    }


def nothing(seconds, failures):
    """A window without an answer."""
    times = dict.fromkeys(("mean_ms", "p50_ms", "p95_ms", "p99_ms"))
    return {"seconds": seconds, "requests": failures, "failures": failures, **times}


def in_ms(seconds):
    return 1000 * seconds if seconds > 0 else None


RANKS = (50, 95, 99)
READERS = {"hey": read_hey, "ab": read_ab, "wrk": read_wrk}


def version(generator):
    """What the program calls itself; its name where it does not tell."""
    options = {"ab": ["-V"], "wrk": ["-v"]}.get(generator)
    if not options:
        return generator
    done = subprocess.run(
        [generator, *options], capture_output=True, text=True, timeout=5, env={**os.environ}
    )
    found = re.search(r"(?:Version|wrk(?: debian/)?)\s*([\d.]+)", done.stdout + done.stderr)
    return f"{generator} {found[1]}" if found else generator
