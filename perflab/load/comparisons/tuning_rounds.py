"""`manage.py load --tuning`: each switch on and off, in alternating rounds.

In every round both are started anew, since no two starts of one program are equally fast, and asked
in turn: on, off, on, off; the next round the other way round. A round gives one value of each
figure; the ratios' intervals tell how far the rounds agree.
"""

import gc
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Thread
from time import perf_counter, process_time

from perflab.measure import stats
from perflab.measure.machine import machine_busy_cpu_s

from .. import run as runs
from ..gunicorn import Gunicorn
from ..plan import LoadRefused
from .run import kept
from .tuning import SWITCHES, compared, doubts

SLICES = 2  # of a position in a round
WARM_UP_S = 0.3
TIMEOUT_S = 30
POSITIONS = ("on", "off")


@dataclass(frozen=True)
class Wish:
    """A checked wish: which switches, how often, and who asks for what."""

    path: str
    switches: tuple[str, ...]
    rounds: int = 6
    seconds: float = 3  # of a position in a round
    workers: int = 2
    users: int = 1


def perform(wish: Wish, run, tell):
    """Measure every switch into `run`, which is kept whatever happens. `tell` takes a Progress."""
    run |= {"switches": [], "path": wish.path, "rounds": wish.rounds, "users": wish.users}
    run |= {"workers": wish.workers}
    of = len(wish.switches) * wish.rounds
    gc.collect()
    gc.freeze()  # our own collector is not to make a page seem slow
    try:
        with kept(run):
            for place, name in enumerate(wish.switches):
                switch, measured = SWITCHES[name], {position: {} for position in POSITIONS}
                run["switches"].append(compared(switch, **measured))
                for number in range(wish.rounds):
                    here = {"number": place * wish.rounds + number + 1, "of": of, "variant": name}
                    here |= {"workers": wish.workers, "threads": switch.threads}
                    tell(runs.Progress(**here, users=wish.users, phase=f"round {number + 1}"))
                    order = POSITIONS if number % 2 == 0 else POSITIONS[::-1]
                    for position, figures in one_round(wish, switch, order).items():
                        for figure, value in figures.items():
                            measured[position].setdefault(figure, []).append(round(value, 4))
                    run["switches"][-1] = compared(switch, **measured)
                    run["verdict"] = " ".join(found["verdict"] for found in run["switches"])
                    run["warnings"] = doubts(run["switches"])
                    runs.save(run)
    finally:
        gc.unfreeze()


def one_round(wish, switch, order):
    """The figures of both positions, each from a Gunicorn started for this round."""
    figures = {}
    with ExitStack() as labs:
        servers = {}
        for position in order:
            way = getattr(switch, position)
            worker_class = "gthread" if switch.threads > 1 else "sync"
            options = {"arguments": way.arguments, "config": way.config, "settings": way.settings}
            lab = Gunicorn(wish.workers, switch.threads, worker_class, **options)
            servers[position] = labs.enter_context(lab)
            figures[position] = {"start_cpu_s": lab.cpu_s()}
        for server in servers.values():
            ask(server.address, wish.path, WARM_UP_S, wish.users)
        times = {position: [] for position in order}
        cpu_s = dict.fromkeys(order, 0.0)
        other_cpu = {position: [] for position in order}
        for position in order * SLICES:
            server, before = servers[position], servers[position].cpu_s()
            began, ours, all_s = perf_counter(), process_time(), machine_busy_cpu_s()
            times[position] += ask(server.address, wish.path, wish.seconds / SLICES, wish.users)
            used = server.cpu_s() - before
            others = machine_busy_cpu_s() - all_s - used - (process_time() - ours)
            other_cpu[position].append(max(0, others) / (perf_counter() - began))
            cpu_s[position] += used
        for position in order:
            figures[position] |= {
                "p50_ms": stats.median(times[position]),
                "p95_ms": stats.p95(times[position]),
                "cpu_ms": 1000 * cpu_s[position] / len(times[position]),
                "memory_mb": servers[position].memory_mb(),
                "other_cpu": stats.median(other_cpu[position]),
            }
    return figures


def ask(address, path, seconds, users):
    """What each of the requests took that `users` sent one after the other, in ms.

    A connection is kept for as long as the server keeps it. At least one request of each user is
    answered. Raises LoadRefused when one is not.
    """
    found, problems = [], []
    until = perf_counter() + seconds

    def user():
        connection = HTTPConnection(address.host, address.port, timeout=TIMEOUT_S)
        try:
            while True:
                began = perf_counter()
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                found.append(1000 * (perf_counter() - began))
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
        said = str(problems[0]) or type(problems[0]).__name__
        raise LoadRefused(f"the lab no longer answers as it should: {' '.join(said.split())}")
    return found
