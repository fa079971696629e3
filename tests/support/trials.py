"""One fault, made once under load: what clients saw before it, meanwhile and afterwards."""

import time
from dataclasses import dataclass

from tests.support.fault_table import OK, Fault
from tests.support.loads import load
from tests.support.services import wait_until

CLIENTS = 3
ROUNDS = 2  # of all clients through all pages, before the fault and when all is served again
PATIENCE = 10
SECONDS = 120  # until everything is served again at last
# What a page says that has waited for the database in vain, be it for want of the machine.
TIMED_OUT = ("has not answered for", "has been silent", "timeout expired")
HEALTH_TIMED_OUT = '"reason": "The database does not answer"'


@dataclass(frozen=True)
class Trial:
    """What a load has met. Moments are monotonic seconds."""

    fault: Fault
    visits: list
    began: float  # the fault
    ended: float
    again: float  # all was served
    health: object  # the answer of /health/ during the fault

    @property
    def longest_s(self):
        """The longest that a client waited for a page."""
        return max(visit.seconds for visit in self.visits)

    @property
    def back_s(self):
        """How long after the fault all was served again."""
        return self.again - self.ended

    @property
    def patience_s(self):
        """What to allow on top of a limit: ten times the longest answer while all was well.

        So it grows with how busy the machine is.
        """
        well = [v for v in self.visits if v.ended <= self.began or v.began >= self.again]
        return PATIENCE * max(visit.seconds for visit in well)

    def find_wrong(self):
        """Return what no client may see, however busy the machine is: a line for each."""
        found = []
        for path in self.fault.paths:
            meanwhile = self.fault.sees.get(path, OK)
            for visit in self.visits:
                allowed = meanwhile if visit.path == path and visit.ended > self.began else OK
                if visit.path == path and visit.status not in allowed and not has_waited(visit):
                    found.append(f"{path}: {visit.status} {visit.refusal[-1500:]}")
                    break
        if self.health.status not in self.fault.health and not is_overdue(self.health):
            found.append(f"/health/: {self.health.status} {self.health.text}")
        return found

    def find_late(self):
        """Return what took too long, a line for each: a busy machine may be the only reason."""
        found = []
        for visit in self.visits:
            if has_waited(visit) and visit.status not in self.fault.sees.get(visit.path, OK):
                found.append(f"{visit.path} has waited in vain: {visit.refusal[-1500:]}")
                break
        if self.health.status not in self.fault.health:
            found.append(f"/health/: {self.health.text}")
        if self.longest_s > self.fault.within_s + self.patience_s:
            found.append(f"an answer took {self.longest_s:.2f} s")
        if self.back_s > self.fault.back_s + self.patience_s:
            found.append(f"all was served again after {self.back_s:.2f} s")
        return found

    def line(self):
        """Return the figures as a line of text."""
        return (
            f"longest answer {self.longest_s:.2f} s, all served again after {self.back_s:.2f} s, "
            f"patience {self.patience_s:.2f} s"
        )


def has_waited(visit):
    """Whether a page was refused because the database did not answer in time."""
    return visit.status == 503 and any(words in visit.refusal for words in TIMED_OUT)


def is_overdue(health):
    """Whether /health/ says that the database does not answer."""
    return health.status == 503 and HEALTH_TIMED_OUT in health.text


def try_fault(stand, fault):
    """Make a fault once, and return the Trial; TimeoutError when a page is never served again."""
    lab, paths = stand.lab, fault.paths
    workers = len(lab.worker_pids())
    enough = ROUNDS * CLIENTS * len(paths)

    with load(lab, paths, CLIENTS) as visits:
        wait_until(lambda: len(visits) >= enough, "serving the pages", SECONDS)
        began = time.monotonic()
        with fault.make(stand, stand.parts.get(fault.part)):
            time.sleep(fault.lasts_s)
            health = lab.get("/health/", timeout=60)
        ended = time.monotonic()

        def is_well():
            seen = list(visits)
            again = find_again(seen, ended, len(paths) + workers)
            return again and sum(visit.began >= again for visit in seen) >= enough

        wait_until(is_well, "serving the pages again", SECONDS)
    again = find_again(visits, ended, len(paths) + workers)
    return Trial(fault, visits, began, ended, again, health)


def find_again(visits, ended, expected):
    """Return when all was served again: each page once, and a page by each worker.

    No request that began after the fault's end got another answer later. `expected` is the number
    of pages and workers together; None while one of them is missing.
    """
    served, failed = {}, []
    for visit in visits:
        if visit.began < ended:
            continue
        if visit.status != 200:
            failed.append(visit.ended)
            continue
        for what in (visit.path, visit.timing["worker"]):
            served[what] = min(visit.ended, served.get(what, visit.ended))
    if len(served) < expected:
        return None
    return max(*failed, *served.values())
