"""What a comparison shares with a load run: it is kept in var/runs/, however it ends."""

from contextlib import contextmanager

from perflab.base.processes import Stopped

from .. import run as runs
from ..plan import LoadRefused


def new_run(kind, plan, command):
    """A run of the kind "classes" or "tuning" before its first figure."""
    run = runs.new_run(plan, command)
    run["id"] = run["id"].replace(f"-{plan.scenario}-", f"-{kind}-")
    return {**run, "kind": kind, "scenario": kind}


@contextmanager
def kept(run):
    """Save `run` at the end of the block, with a state that says how it ended."""
    state = "failed"
    try:
        yield
        state = "done"
    except (KeyboardInterrupt, Stopped):
        state = "interrupted"
        raise
    except LoadRefused as refused:
        run["problem"] = str(refused)
        raise
    finally:
        runs.end(run, state)
