"""hey, ab and wrk as child processes, and what they write. Each loads one address."""

import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from perflab.base.config import count_cores
from perflab.base.processes import end, spawn

from ..plan import LoadRefused
from ..window import Meter, Update, Window

WRK = Path(__file__).with_name("wrk.lua")
MAX_REQUESTS = 1_000_000  # ab keeps memory for so many
MOST_LISTED = 1_000_000  # answers that hey keeps
PACKAGES = {"hey": "hey", "ab": "apache2-utils", "wrk": "wrk"}
LATE_S = 30  # a program that has not ended so long after its time is stuck


def check(generator):
    """Raise LoadRefused when the program is not installed."""
    if not shutil.which(generator):
        raise LoadRefused(
            f"{generator} is not installed; on Debian and Ubuntu: apt install {PACKAGES[generator]}"
        )


def ceiling(generator):
    """Return how many cores the program can use."""
    return count_cores() if generator == "hey" else 1


def command(generator, url, users, seconds, folder):
    """Return the program's command line; ab writes its percentiles into `folder`."""
    whole = f"{max(1, round(seconds))}"
    return {
        "hey": ["hey", "-z", f"{seconds:g}s", "-c", str(users), "-disable-redirects", url],
        # -t sets -n too, so -n comes after it. -l: pages may differ in length. -r: go on.
        "ab": ["ab", "-q", "-l", "-r", "-t", whole, "-n", str(MAX_REQUESTS), "-c", str(users)]
        + ["-e", f"{folder}/percent.csv", url],
        "wrk": ["wrk", "-t", "1", "-c", str(users), "-d", f"{whole}s", "--timeout", "30s"]
        + ["-s", str(WRK), url],
    }[generator]


def generate(generator, path, server, users, seconds, warm_up_s):
    """Yield an Update now and then; only the last has a window. Raises LoadRefused on failure."""
    url = server.url + path
    with tempfile.TemporaryDirectory() as folder:
        if warm_up_s:
            yield from updates(command(generator, url, users, max(1, warm_up_s), folder), 0, [])
        meter, output = Meter(server), []
        started, cpu_before_s = time.perf_counter(), children_cpu_s()
        yield from updates(command(generator, url, users, seconds, folder), seconds, output)
        took_s = time.perf_counter() - started
        percent = Path(folder) / "percent.csv"
        table = percent.read_text() if percent.exists() else ""
        generator_cpu = (children_cpu_s() - cpu_before_s) / took_s
        found = READERS[generator]("".join(output), table)
        window = replace(found, users=users, generator_cpu=generator_cpu)
        yield Update("measured", True, meter.add_to(window))


def updates(line, seconds, output):
    """Run a program and yield an Update now and then; what it writes is put into `output`."""
    with tempfile.TemporaryFile("w+") as written:
        process = spawn(line, stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + seconds + LATE_S
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise LoadRefused(f"{line[0]} has not ended {LATE_S} s after its time")
                time.sleep(0.1)
                yield Update("measured" if seconds else "warming up", False, None)
        finally:
            end(process, 1)
        written.seek(0)
        text = written.read()
    if process.returncode:
        words = " ".join(text.split("\n")[-3:]).strip()[-200:]
        raise LoadRefused(f"{line[0]} failed with status {process.returncode}: {words}")
    output.append(text)


def children_cpu_s():
    """Return the CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def find_number(pattern, text, default=None):
    """Return the number that a pattern finds in a program's output. Raises LoadRefused."""
    found = re.search(pattern, text, re.MULTILINE)
    if not found and default is None:
        raise LoadRefused(
            f"the load generator wrote something that is not understood: {text[-200:].strip()!r}"
        )
    return float(found[1]) if found else default


def read_hey(text, _):
    """Return the window of hey's summary, whose times are seconds with four digits.

    hey keeps the times and the statuses of MOST_LISTED answers. Its rate and its errors are those
    of all requests; it divides the sum of all times by the number of those that it has kept.
    """
    statuses = re.findall(r"^\s+\[(\d{3})\]\s+(\d+) responses", text, re.MULTILINE)
    broken = text.partition("Error distribution:")[2]
    errors = sum(int(n) for n in re.findall(r"^\s+\[(\d+)\]\s", broken, re.MULTILINE))
    answered = sum(int(count) for _, count in statuses)
    wrong = sum(int(count) for status, count in statuses if status != "200")
    seconds = find_number(r"Total:\s+([\d.]+) secs", text)
    if not answered:
        return empty_window(seconds, errors)
    mean_ms = 1000 * find_number(r"Average:\s+([\d.]+) secs", text)
    if answered >= MOST_LISTED:
        listed = answered
        answered = round(find_number(r"Requests/sec:\s+([\d.]+)", text) * seconds) - errors
        wrong = round(wrong * answered / listed)
        mean_ms *= listed / answered
    # After few requests hey leaves out a percentile, or writes 0.
    times = {n: find_number(rf"^\s+{n}%+ in ([\d.]+) secs", text, -1) for n in PERCENTILES}
    return Window(
        seconds=seconds,
        requests=answered + errors,
        failures=wrong + errors,
        mean_ms=mean_ms,
        **{f"p{n}_ms": 1000 * time_s if time_s > 0 else None for n, time_s in times.items()},
    )


def read_ab(text, table):
    """Return the window of ab's counts; its table of 100 percentiles gives the times."""
    times = [float(line.partition(",")[2]) for line in table.splitlines()[1:]]
    requests = int(find_number(r"^Complete requests:\s+(\d+)", text))
    seconds = find_number(r"^Time taken for tests:\s+([\d.]+) seconds", text)
    failures = find_number(r"^Failed requests:\s+(\d+)", text)
    failures += find_number(r"^Non-2xx responses:\s+(\d+)", text, 0)
    if not requests or not times:
        return empty_window(seconds, int(failures))
    return Window(
        seconds=seconds,
        requests=requests,
        failures=int(min(failures, requests)),
        mean_ms=sum(times) / len(times),
        **{f"p{n}_ms": times[min(n, len(times) - 1)] for n in PERCENTILES},
    )


def read_wrk(text, _):
    """Return the window of the line that wrk.lua writes."""
    found = dict(re.findall(r"(\w+)=([\d.]+)", text.partition("perflab ")[2]))
    if not found:
        raise LoadRefused(f"wrk wrote something that is not understood: {text[-200:].strip()!r}")
    requests, failures = int(found["requests"]), int(found["failures"])
    if not requests:
        return empty_window(float(found["seconds"]), failures)
    return Window(
        seconds=float(found["seconds"]),
        requests=requests,
        failures=failures,
        **{f"{name}_ms": float(found[name]) for name in ("mean", "p50", "p95", "p99")},
    )


def empty_window(seconds, failures):
    """Return the window of a time in which nothing was answered."""
    return Window(seconds, failures, failures, mean_ms=None, p50_ms=None, p95_ms=None, p99_ms=None)


PERCENTILES = (50, 95, 99)
READERS = {"hey": read_hey, "ab": read_ab, "wrk": read_wrk}


def version(generator):
    """Return the program's name with its version, where it tells one."""
    options = {"ab": ["-V"], "wrk": ["-v"]}.get(generator)
    if not options:
        return generator
    done = subprocess.run(
        [generator, *options], capture_output=True, text=True, timeout=5, env={**os.environ}
    )
    found = re.search(r"(?:Version|wrk(?: debian/)?)\s*([\d.]+)", done.stdout + done.stderr)
    return f"{generator} {found[1]}" if found else generator
