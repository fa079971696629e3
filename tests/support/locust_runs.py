"""Run Locust's scenarios as their readers run them."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import psutil

from tests.support.labs import ROOT
from tests.support.services import tie_to_parent

RUN_S = 120  # after which a run is taken for stuck


@contextlib.contextmanager
def locust(scenario, *options):
    """A Locust process; it and the workers it forked are gone when the block ends."""
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("LOCUST_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "locust", "-f", f"locustfiles/{scenario}.py", *options],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=tie_to_parent(),
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own session: itself and its workers
        process.wait()
        process.stdout.close()
        process.stderr.close()


class Run:
    """What a run that has ended says: `status`, `rows` by request name, and its `log`."""

    def __init__(self, process):
        output, self.log = process.communicate(timeout=RUN_S)
        self.status = process.returncode
        self.rows = {row["name"]: row for row in last_array(output)}

    @property
    def failed(self):
        return {name: row["num_failures"] for name, row in self.rows.items() if row["num_failures"]}

    @property
    def counts(self):
        return {name: row["num_requests"] for name, row in self.rows.items()}


def last_array(output):
    """The last JSON array; each worker of --processes prints an empty one before it."""
    found = []
    while output := output.strip():
        found, end = json.JSONDecoder().raw_decode(output)
        output = output[end:]
    return found


def run(scenario, *options):
    with locust(scenario, "--headless", "--json", "--only-summary", *options) as process:
        return Run(process)


def load(lab, *more, users=4, seconds=3, rows=10):
    """The options of a short run with small pages, so that every page gets its turn.

    With `rows` None each page has as many as it has by itself.
    """
    options = f"--host {lab.url} -u {users} -r {users} -t {seconds}s"
    options += f" --movies {rows}" if rows else ""
    return [*options.split(), *more]


def measure_long_enough(measure, is_complete):
    """Return the result of `measure(seconds)`, again with more seconds until it is complete.

    On a busy machine a short run ends before every page has had its turn.
    """
    for seconds in (3, 10, 30):
        result = measure(seconds)
        if is_complete(result):
            break
    return result


def slugs(lab):
    return {e["slug"] for e in json.loads(lab.get("/experiments.json").text)["experiments"]}


def listening(process):
    """The addresses on which a process accepts connections."""
    connections = psutil.Process(process.pid).net_connections("inet")
    return {c.laddr for c in connections if c.status == psutil.CONN_LISTEN}
