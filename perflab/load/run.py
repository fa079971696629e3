"""A whole run: its description before the first point, its points one by one, and its end."""

import os
import platform
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version

from django.conf import settings

from perflab.base.processes import Stopped
from perflab.measure import machine

from . import scenarios, store, verdict, wording
from .generators import tools
from .measurement import Interrupted, measure_point
from .model import LOAD, LabDescription, Machine, Progress, Run
from .plan import LoadRefused


def new_run(plan, command, kind=LOAD):
    """Return the run before its first point.

    Raises django.db.Error when the database does not answer.
    """
    now = datetime.now(UTC)
    scenario = plan.scenario if kind == LOAD else kind
    return Run(
        id=f"{now:%Y%m%d-%H%M%S}-{scenario}-{os.getpid()}",
        kind=kind,
        date=now,
        state="running",
        pid=os.getpid(),
        command=command,
        machine=Machine.from_json(machine.describe_machine()),
        lab=describe_lab(plan),
        client={"python": platform.python_version(), "locust": version("locust")},
        knobs={**plan.knobs, **scenario_knobs(plan)},
        scenario=scenario,
        generator=plan.generator,
        generator_version=generator_version(plan.generator),
        duration_s=plan.duration_s,
        freeze_s=plan.freeze_s,
        load_workers=plan.load_workers,
    )


def describe_lab(plan):
    """Return what is known of the lab that the plan loads."""
    if plan.host:
        return LabDescription(url=plan.host)
    known = machine.describe_lab() | {"toolbar": False, "gunicorn": version("gunicorn")}
    return LabDescription(**known, cache=plan.knobs.get("cache") or settings.LAB_CACHES[0])


def scenario_knobs(plan):
    """Return what the scenario itself is given: the experiment, or the ms of a calibrated page."""
    slug = scenarios.slug_of(plan)
    found = {"experiment": slug} if slug else {}
    if plan.scenario in scenarios.CALIBRATED:
        found["ms"] = scenarios.DEFAULT_MS if plan.ms is None else plan.ms
    return found


def generator_version(name):
    """Return the generator's name with its version, such as "locust 2.47.0"."""
    return f"locust {version('locust')}" if name == "locust" else tools.version(name)


@contextmanager
def recording(run):
    """Write `run` at the end of the block, with a state that says how the block ended."""
    state = "failed"
    try:
        yield
        state = "done"
    except (KeyboardInterrupt, Stopped):
        state = "interrupted"
        raise
    except LoadRefused as refused:
        run.problem = str(refused)
        raise
    finally:
        store.finish(run, state)


def perform(plan, run, on_progress=lambda progress: None, on_point=lambda point: None):
    """Measure every point into `run`, which is written after each of them, and at the end.

    `on_progress` is called with a Progress now and then, which the file has too until the run is
    over, and `on_point` with each point. What ends a run early, such as Ctrl-C or a Gunicorn that
    does not start, is raised again. What was measured until then stays in the file; a point whose
    measurement was interrupted is marked as partial.
    """
    costs = {}

    def keep_progress(progress):
        run.progress = progress.rounded()
        store.write(run)
        on_progress(progress)

    def add_point(point):
        run.points.append(point)
        run.costs = {variant: cost.rounded() for variant, cost in costs.items() if cost}
        on_point(point)

    setups = scenarios.point_setups(plan)
    with recording(run):
        try:
            for number, setup in enumerate(setups, 1):
                progress = progress_of(setup, number, len(setups))
                keep_progress(progress)
                report = store.report_path(run.id, number)
                add_point(measure_point(plan, setup, costs, progress, keep_progress, report))
                store.write(run)
        except Interrupted as interrupted:
            if interrupted.point:
                add_point(interrupted.point)
            raise interrupted.__cause__ from None
        finally:
            conclude(run, costs)


def progress_of(setup, number, of):
    """Return the Progress of a run at the start of a point."""
    return Progress(
        number=number,
        of=of,
        variant=setup.target.variant,
        workers=setup.workers,
        threads=setup.threads,
        users=setup.users,
    )


def conclude(run, costs):
    """Put the verdict and the warnings into a run, in words."""
    findings = verdict.judge(run.points, costs, run.machine.cores)
    closed_and_open = verdict.compare_loops(run.points, run.freeze_s)
    run.verdict = "\n".join(
        [wording.describe_verdict(findings, run.points)]
        + [point.said for point in run.points if point.said]
        + [wording.describe_loops(found) for found in closed_and_open]
    )
    found = verdict.warnings(run.points, costs)
    run.warnings = [wording.describe_warning(one, run.generator) for one in found]
