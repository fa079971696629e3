"""Locust as a child process: its plug-in writes twice a second what it has counted."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from perflab.base import paths
from perflab.base.config import count_cores
from perflab.base.logs import last_lines, open_log
from perflab.base.processes import end, spawn

from ..gunicorn import free_port
from ..plan import LoadRefused
from ..window import Meter, Update, Window

PLUGIN = Path(__file__).with_name("locust_plugin.py")
SLACK_S = 10  # more time for a scenario that ends by itself, a little after its time
REPORT_S = 5  # time in which Locust has to write its report


def generate(
    target, server, users, seconds, warm_up_s=0, alone_s=0, own_host=False, report=None, workers=0
):
    """Yield an Update twice a second as users ask the lab.

    With `workers` the users are in so many processes of their own, beside a master; without, all is
    one process. With `seconds` 0 there is one user alone and nothing more. Locust's own HTML report
    is kept at the path `report`, compressed. Raises LoadRefused when Locust refuses, or ends before
    its time.
    """
    meter = Meter(server)
    phase = None
    times = seconds, warm_up_s, alone_s
    for record in records(target, server, users, *times, own_host, report, workers):
        if record["phase"] != phase:
            phase = record["phase"]
            meter.start()
        yield Update(phase, record["last"], meter.add_to(Window.from_json(record)))


def records(target, server, users, seconds, warm_up_s, alone_s, own_host, report, workers):
    """Yield the records that the plug-in writes. However this ends, the process ends with it."""
    reading, writing = os.pipe()
    var = paths.var_folder()
    first = 1 if alone_s else users
    command = [
        *(sys.executable, "-m", "locust", "-f", f"{target.locustfile},{PLUGIN}"),
        *("--headless", "--only-summary", "--loglevel", "WARNING", "--host", server.url),
        *("--users", str(users if target.shaped else first), "--spawn-rate", "100"),
        *("--watch-fd", str(writing), "--watch-users", str(users)),
        *("--watch-alone", str(alone_s), "--watch-warm-up", str(warm_up_s)),
        *("--watch-measure", str(seconds + (SLACK_S if target.ends else 0)), *target.options),
        *(["--watch-report", str(report)] if report else []),
        *(process_options(workers) if workers else []),
        *(["--i-own-this-host"] if own_host else []),
    ]
    environment = {n: v for n, v in os.environ.items() if not n.startswith("LOCUST_")}
    with open(reading) as lines, open_log(var, "load-locust.log") as log:
        log_start = log.tell()
        try:
            process = spawn(
                command,
                cwd=paths.ROOT,
                env=environment,
                pass_fds=(writing,),
                stdout=log,
                stderr=log,
            )
        finally:
            os.close(writing)
        try:
            phase = None
            for line in lines:
                record = json.loads(line)
                phase = record["phase"], record["last"]
                yield record
                if phase == ("measured", True):
                    if report:
                        with contextlib.suppress(subprocess.TimeoutExpired):
                            process.wait(REPORT_S)
                    return
            complete = ("measured" if seconds else "alone"), True
            if phase != complete:
                process.wait()
                raise LoadRefused(reason(log.name, log_start))
        finally:
            end(process, 1)


def process_options(workers):
    """Return the options for so many workers, which meet their master on loopback."""
    port = str(free_port())
    return ["--processes", str(workers), "--master-bind-port", port, "--master-port", port]


def ceiling(workers):
    """Return how many cores Locust can use: each process one, and the master hardly any."""
    return float(max(1, min(workers, count_cores())))


def reason(path, log_start):
    """Return why Locust ended, in one line: its own line where it wrote one."""
    with open(path, "rb") as log:
        log.seek(log_start)
        lines = log.read().decode(errors="replace").splitlines()
    own = [line.removeprefix("locust: ") for line in lines if line.startswith("locust: ")]
    return own[-1] if own else f"Locust has ended: {last_lines(path, log_start, lines=1)}"
