"""What can be loaded: the files of locustfiles/ by their names, and every experiment by its slug.

`io_bound.py` and `cpu_bound.py`, the calibrated pages, are among the files. hey, ab, wrk and the
open loop load one address: an experiment's variant or a calibrated page.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.http import QueryDict
from django.urls import Resolver404, resolve, reverse

from perflab.catalogue import collection, knobs, needs, registry

from .plan import LoadRefused

FOLDER = settings.BASE_DIR / "locustfiles"
CALIBRATED = ("io-bound", "cpu-bound")
DEFAULT_MS = 50
VARIANTS = ("slow", "fast")
SHAPED = ("steps", "spike", "soak")  # choose their users, and take their variant as an option


@dataclass(frozen=True)
class Target:
    """What the users of a point do."""

    variant: str | None
    locustfile: str
    options: tuple[str, ...]  # for Locust
    path: str | None  # the one address that is loaded; None where there are several
    shaped: bool = False  # the scenario chooses its users itself
    ends: bool = False  # the scenario ends by itself, with a line that says what it found


@dataclass(frozen=True)
class PointSetup:
    """What is measured at one point; there are no workers and threads where we start no lab."""

    target: Target
    workers: int | None
    threads: int | None
    users: int


def names():
    """Return the scenarios that have a file."""
    stems = {path.stem for path in FOLDER.glob("[!_]*.py")}  # the others are helpers
    return sorted(stem.replace("_", "-") for stem in stems)


def has_variants(scenario):
    """Return whether --slow, --fast and --both mean something to a scenario."""
    return scenario in (*VARIANTS, *SHAPED) or scenario not in names()


def check(plan):
    """Raise LoadRefused for a scenario that is not there, or options that it does not take."""
    scenario = plan.scenario
    if scenario not in names() and scenario not in registry.experiments:
        raise LoadRefused(
            f"there is no scenario {scenario[:40]!r}; there are {', '.join(names())}, "
            "and every experiment by its slug, such as n-plus-one"
        )
    if plan.variants and not has_variants(scenario):
        raise LoadRefused(f"{scenario} has no variants: leave out --slow, --fast and --both")
    if plan.ms is not None and scenario not in CALIBRATED:
        raise LoadRefused(f"--ms is for {' and '.join(CALIBRATED)}, not for {scenario}")
    check_experiment(plan)
    for generator in (plan.generator, "--open" if plan.open_per_s else "locust"):
        if generator != "locust" and any(target.path is None for target in targets(plan)):
            raise LoadRefused(
                f"{generator} loads one address, and {scenario} is many: name an experiment, "
                f"{' or '.join(CALIBRATED)}, or use Locust"
            )
    if not plan.host:
        check_here(plan)


def check_experiment(plan):
    """Raise LoadRefused where --experiment makes no sense or is not there."""
    scenario, slug = plan.scenario, plan.experiment
    if scenario in CALIBRATED and (slug or plan.knobs):
        raise LoadRefused(f"{scenario} has one knob, --ms: leave out the knobs of experiments")
    if slug and scenario not in names():
        raise LoadRefused(f"{scenario} is an experiment: leave out --experiment")
    for named in {slug, scenario if scenario not in names() else None} - {None}:
        if named not in registry.experiments:
            raise LoadRefused(f"there is no experiment {named[:40]!r}")
        needed = registry.get(named).needs
        if not needs.are_met(needed) and not plan.host:
            raise LoadRefused(f"{named} needs {needed}: {needs.how_to_meet(needed)}")


def check_here(plan):
    """Raise LoadRefused for what a lab with our settings would refuse: an address, a knob."""
    try:
        experiment = registry.experiments.get(slug_of(plan) or "")
        found = collection.read()
        most = found and (found.most_rows(experiment) if experiment else found.films)
        rows = experiment.rows if experiment else "films"
        chosen = knobs.Knobs.read(QueryDict(urlencode(plan.knobs)), most=most, rows=rows)
        for target in targets(plan):
            if target.path:
                resolve(target.path.partition("?")[0])
                if target.variant:
                    variant = variant_of(slug_of(plan), target.variant)
                    chosen.refuse_if_too_slow(variant.queries.at(chosen.movies))
    except knobs.BadKnob as bad:
        raise LoadRefused(str(bad).rstrip(".")) from bad
    except Resolver404 as missing:
        raise LoadRefused(f"this lab has no page for {plan.scenario}") from missing


def targets(plan):
    """Return what is loaded at each point: one Target for every variant asked for."""
    options = [part for name, value in plan.knobs.items() for part in (flag(name), value)]
    slug = slug_of(plan)
    if slug:
        options += ["--experiment", slug]
    if plan.scenario in CALIBRATED:
        ms = str(DEFAULT_MS if plan.ms is None else plan.ms)
        path = f"/{plan.scenario}/?ms={ms}"
        return [Target(None, file_of(plan.scenario), ("--ms", ms), path)]
    if not has_variants(plan.scenario):
        return [Target(None, file_of(plan.scenario), tuple(options), None)]
    found = []
    for variant in plan.variants or ((plan.scenario,) if plan.scenario in VARIANTS else ("fast",)):
        if plan.scenario in SHAPED:
            ends = plan.scenario != "steps"  # which goes on until the lab is overloaded
            length = ["--length", f"{plan.duration_s:g}"] if ends else []
            own = (*options, "--variant", variant, *length)
            found.append(Target(variant, file_of(plan.scenario), own, None, shaped=True, ends=ends))
        else:
            path = address(slug, variant, plan.knobs) if slug in registry.experiments else None
            found.append(Target(variant, file_of(variant), tuple(options), path))
    return found


def point_setups(plan):
    """Return all points of a plan, in the order in which they are measured."""
    return [
        PointSetup(target, workers, threads, users)
        for target in targets(plan)
        for threads in plan.threads
        for workers in plan.workers
        for users in plan.users
    ]


def slug_of(plan):
    """Return the slug of the one experiment that is loaded, or None."""
    return plan.experiment or (plan.scenario if plan.scenario not in names() else None)


def variant_of(slug, variant):
    """Return the slow or the fast variant of an experiment."""
    experiment = registry.get(slug)
    return experiment.slow if variant == "slow" else experiment.fast


def address(slug, variant, chosen_knobs):
    """Return the path of one variant of an experiment, with the knobs that were chosen."""
    path = reverse("variant", args=[slug, variant_of(slug, variant).name])
    return f"{path}?{urlencode(chosen_knobs)}" if chosen_knobs else path


def file_of(scenario):
    """Return the path of a scenario's locustfile."""
    return str(FOLDER / f"{scenario.replace('-', '_')}.py")


def flag(name):
    """Return the option of the command that sets this name, such as --round-trip."""
    return f"--{name.replace('_', '-')}"
