"""Each switch on and off, in alternating rounds: what `manage.py tune` does.

In every round both positions are started anew, since no two starts of one program are equally fast.
They are asked in turn: on, off, on, off, and in the next round the other way round. A round gives
one value of each figure, and the intervals of the ratios tell how far the rounds agree.
"""

import gc
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Thread
from time import perf_counter, process_time

from perflab.measure import stats
from perflab.measure.machine import machine_busy_cpu_s

from .. import store, wording
from ..gunicorn import Gunicorn
from ..model import Progress, Rounds
from ..plan import LoadRefused
from ..run import recording
from .tuning import SWITCHES, compare, warnings

SLICES = 2  # of a position in a round
WARM_UP_S = 0.3
TIMEOUT_S = 30
POSITIONS = ("on", "off")


@dataclass(frozen=True)
class TuningRequest:
    """What was asked for: which switches, how many rounds, and how the page is loaded."""

    path: str
    switches: tuple[str, ...]
    rounds: int = 6
    seconds: float = 3  # of a position in a round
    workers: int = 2
    users: int = 1


def perform(request, run, on_progress):
    """Measure every switch into `run`, which is written after each round, and whatever happens.

    `on_progress` is called with a Progress before each round.
    """
    run.path, run.rounds = request.path, request.rounds
    run.workers, run.users = request.workers, request.users
    of = len(request.switches) * request.rounds
    gc.collect()
    gc.freeze()  # so that this process's own collector makes no page seem slow
    try:
        with recording(run):
            for place, name in enumerate(request.switches):
                switch, measured = SWITCHES[name], Rounds()
                run.switches.append(compare(switch, measured))
                for number in range(request.rounds):
                    on_progress(
                        Progress(
                            number=place * request.rounds + number + 1,
                            of=of,
                            variant=name,
                            workers=request.workers,
                            threads=switch.threads,
                            users=request.users,
                            phase=f"round {number + 1}",
                        )
                    )
                    order = POSITIONS if number % 2 == 0 else POSITIONS[::-1]
                    for position, figures in measure_round(request, switch, order).items():
                        values = getattr(measured, position)
                        for figure, value in figures.items():
                            values.setdefault(figure, []).append(round(value, 4))
                    run.switches[-1] = compare(switch, measured)
                    run.verdict = " ".join(found.verdict for found in run.switches)
                    found = warnings(run.switches)
                    run.warnings = [wording.count_warning(one, "switches") for one in found]
                    store.write(run)
    finally:
        gc.unfreeze()


def measure_round(request, switch, order):
    """Return {position: {figure: value}}, each from a Gunicorn that is started for this round."""
    figures = {}
    with ExitStack() as labs:
        servers = {}
        for name in order:
            position = getattr(switch, name)
            worker_class = "gthread" if switch.threads > 1 else "sync"
            lab = Gunicorn(
                request.workers,
                switch.threads,
                worker_class,
                arguments=position.arguments,
                config=position.config,
                settings=position.settings,
            )
            servers[name] = labs.enter_context(lab)
            figures[name] = {"start_cpu_s": lab.cpu_s()}
        for server in servers.values():
            send_requests(server.address, request.path, WARM_UP_S, request.users)
        times = {name: [] for name in order}
        cpu_s = dict.fromkeys(order, 0.0)
        other_cpu = {name: [] for name in order}
        for name in order * SLICES:
            server, seconds = servers[name], request.seconds / SLICES
            server_before_s = server.cpu_s()
            started, own_before_s = perf_counter(), process_time()
            all_before_s = machine_busy_cpu_s()
            times[name] += send_requests(server.address, request.path, seconds, request.users)
            server_s = server.cpu_s() - server_before_s
            all_s, own_s = machine_busy_cpu_s() - all_before_s, process_time() - own_before_s
            others_s = all_s - server_s - own_s
            other_cpu[name].append(max(0, others_s) / (perf_counter() - started))
            cpu_s[name] += server_s
        for name in order:
            figures[name] |= {
                "p50_ms": stats.median(times[name]),
                "p95_ms": stats.p95(times[name]),
                "cpu_ms": 1000 * cpu_s[name] / len(times[name]),
                "memory_mb": servers[name].memory_mb(),
                "other_cpu": stats.median(other_cpu[name]),
            }
    return figures


def send_requests(address, path, seconds, users):
    """Return the ms of each of the requests that `users` send, each one after the other.

    A connection is kept for as long as the server keeps it. At least one request of each user is
    answered. Raises LoadRefused when one is not.
    """
    found, problems = [], []
    until = perf_counter() + seconds

    def user():
        connection = HTTPConnection(address.host, address.port, timeout=TIMEOUT_S)
        try:
            while True:
                started = perf_counter()
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                found.append(1000 * (perf_counter() - started))
                if response.status != 200:
                    raise LoadRefused(f"{path} answers {response.status}")
                if perf_counter() >= until:
                    return
        except (OSError, HTTPException, LoadRefused) as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [Thread(target=user, daemon=True) for _ in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        problem = str(problems[0]) or type(problems[0]).__name__
        raise LoadRefused(f"the lab no longer answers as it should: {' '.join(problem.split())}")
    return found
