"""What can be loaded: the files of locustfiles/ by their names, and every experiment by its slug.

`io_bound.py` and `cpu_bound.py`, the calibrated pages, are among the files. Only what is one
address, an experiment's side or a calibrated page, can be loaded by the tools that load one.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.http import QueryDict
from django.urls import Resolver404, resolve, reverse

from perflab.catalogue import knobs, registry

from .plan import Plan, Refused

FOLDER = settings.BASE_DIR / "locustfiles"
CALIBRATED = ("io-bound", "cpu-bound")
DEFAULT_MS = 50
SIDES = ("slow", "fast")
BY_SIDE = ("steps", "spike", "soak")  # choose their users, and take their side as an option


@dataclass(frozen=True)
class Target:
    """What the users of a point do."""

    side: str | None
    locustfile: str
    options: tuple[str, ...]  # for Locust
    path: str | None  # the one address that is loaded; None where there are several
    shaped: bool = False  # it chooses its users itself
    ends: bool = False  # and ends by itself, with a line that says what it found


def names() -> list[str]:
    """The scenarios that have a file."""
    stems = {path.stem for path in FOLDER.glob("[!_]*.py")}  # the others are helpers
    return sorted(stem.replace("_", "-") for stem in stems)


def has_sides(scenario) -> bool:
    """Whether --slow, --fast and --both mean something to it."""
    return scenario in (*SIDES, *BY_SIDE) or scenario not in names()


def check(plan: Plan):
    """Raise Refused for a scenario that is not there, or options that it does not take."""
    scenario = plan.scenario
    if scenario not in names() and scenario not in registry.experiments:
        raise Refused(
            f"there is no scenario {scenario[:40]!r}; there are {', '.join(names())}, "
            "and every experiment by its slug, such as n-plus-one"
        )
    if plan.sides and not has_sides(scenario):
        raise Refused(f"{scenario} has no sides: leave --slow, --fast and --both away")
    if plan.ms is not None and scenario not in CALIBRATED:
        raise Refused(f"--ms is for {' and '.join(CALIBRATED)}, not for {scenario}")
    check_experiment(plan)
    for asker in (plan.generator, "--open" if plan.open_per_s else "locust"):
        if asker != "locust" and any(target.path is None for target in targets(plan)):
            raise Refused(
                f"{asker} loads one address, and {scenario} is many: name an experiment, "
                f"{' or '.join(CALIBRATED)}, or let Locust do it"
            )
    if not plan.host:
        check_here(plan)


def check_experiment(plan):
    """Raise Refused where --experiment makes no sense or is not there."""
    scenario, slug = plan.scenario, plan.experiment
    if scenario in CALIBRATED and (slug or plan.knobs):
        raise Refused(f"{scenario} has one knob, --ms: leave the experiments' away")
    if slug and scenario not in names():
        raise Refused(f"{scenario} is an experiment: leave --experiment away")
    for named in {slug, scenario if scenario not in names() else None} - {None}:
        if named not in registry.experiments:
            raise Refused(f"there is no experiment {named[:40]!r}")
        if not registry.get(named).here and not plan.host:
            raise Refused(f"{named} needs {registry.get(named).needs}: set DATABASE_URL to one")


def check_here(plan):
    """Raise Refused for what a lab with our settings would refuse: an address, a knob."""
    try:
        chosen = knobs.Knobs.read(QueryDict(urlencode(plan.knobs)))
        for target in targets(plan):
            if target.path:
                resolve(target.path.partition("?")[0])
                if target.side:
                    rung = rung_of(slug_of(plan), target.side)
                    chosen.refuse_if_too_slow(rung.queries.at(chosen.movies))
    except knobs.BadKnob as bad:
        raise Refused(str(bad).rstrip(".")) from bad
    except Resolver404 as missing:
        raise Refused(f"this lab has no page for {plan.scenario}") from missing


def targets(plan: Plan) -> list[Target]:
    """What is loaded at each point: one for every side asked for."""
    options = [part for name, value in plan.knobs.items() for part in (flag(name), value)]
    slug = slug_of(plan)
    if slug:
        options += ["--experiment", slug]
    if plan.scenario in CALIBRATED:
        ms = str(DEFAULT_MS if plan.ms is None else plan.ms)
        path = f"/{plan.scenario}/?ms={ms}"
        return [Target(None, file_of(plan.scenario), ("--ms", ms), path)]
    if not has_sides(plan.scenario):
        return [Target(None, file_of(plan.scenario), tuple(options), None)]
    found = []
    for side in plan.sides or ((plan.scenario,) if plan.scenario in SIDES else ("fast",)):
        if plan.scenario in BY_SIDE:
            ends = plan.scenario != "steps"  # which goes on until the lab gives in
            length = ["--length", f"{plan.duration_s:g}"] if ends else []
            own = (*options, "--side", side, *length)
            found.append(Target(side, file_of(plan.scenario), own, None, shaped=True, ends=ends))
        else:
            path = address(slug, side, plan.knobs) if slug in registry.experiments else None
            found.append(Target(side, file_of(side), tuple(options), path))
    return found


def slug_of(plan):
    """The one experiment that is loaded, or None."""
    return plan.experiment or (plan.scenario if plan.scenario not in names() else None)


def rung_of(slug, side):
    experiment = registry.get(slug)
    return experiment.slow if side == "slow" else experiment.fast


def address(slug, side, turned):
    """The path of one side of an experiment, with the knobs that were turned."""
    path = reverse("rung", args=[slug, rung_of(slug, side).name])
    return f"{path}?{urlencode(turned)}" if turned else path


def file_of(scenario):
    return str(FOLDER / f"{scenario.replace('-', '_')}.py")


def flag(name):
    return f"--{name.replace('_', '-')}"
