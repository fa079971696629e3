"""`--classes` and `--tuning`: from the command's options to a run that can be performed."""

from collections.abc import Callable
from dataclasses import dataclass

from perflab.catalogue import registry

from .. import scenarios
from ..plan import LoadRefused, Plan
from . import classes, tuning_rounds
from .run import new_run
from .tables import classes_text, tuning_text
from .tuning import SWITCHES

# Options that a comparison chooses itself, by the kind of it.
OWN = {
    "classes": ("scenario", "worker_class", "experiment", "movies", "round_trip", "cache")
    + ("rounds", "switches"),
    "tuning": ("threads", "worker_class"),
}
NEITHER = ("host", "port", "open_per_s", "freeze_s", "load_workers")
CLASSES_S, TUNING_S = 20, 3  # measured at each point; of each variant in a round
ROUNDS = 6


@dataclass(frozen=True)
class Asked:
    """A run that has not begun.

    `perform` takes two functions: one is told a Progress now and then, the other each point.
    """

    run: dict
    perform: Callable
    as_text: Callable  # (run, terminal, no_color) to what is shown


def wanted(options) -> str:
    """The comparison that the options ask for: "classes", "tuning", or "" for a load run."""
    return next((kind for kind in OWN if options[kind]), "")


def check(options):
    """Raise LoadRefused for options that do not go with the comparison, or that need one."""
    kind = wanted(options)
    if not kind:
        for name in ("rounds", "switches"):
            if options[name]:
                raise LoadRefused(f"--{name} is for --tuning")
        if not options["scenario"]:
            raise LoadRefused("name a scenario, or ask for --classes or --tuning")
        return
    for name in (*OWN[kind], *NEITHER):
        if options.get(name):
            if name == "scenario":
                pages = " and ".join(scenarios.CALIBRATED)
                raise LoadRefused(f"--{kind} loads {pages}: name no scenario")
            option = scenarios.flag(name)
            option = {"--open-per-s": "--open", "--freeze-s": "--freeze"}.get(option, option)
            raise LoadRefused(f"--{kind} takes no {option}")
    if options["generator"] != "locust":
        raise LoadRefused(f"--{kind} takes no --generator")
    for name in ("users", "workers", "threads"):
        if options[name] and len(options[name]) > 1:
            raise LoadRefused(f"--{kind} takes one number of {name}")
    if options["variants"] and (kind == "classes" or len(options["variants"]) > 1):
        raise LoadRefused(f"--{kind} compares no variants of an experiment")


def prepared(options, command, cores) -> Asked:
    """The comparison that was asked for. Raises LoadRefused, or django.db.Error."""
    check(options)
    kind = wanted(options)
    return (prepared_classes if kind == "classes" else prepared_tuning)(options, command, cores)


def prepared_classes(options, command, cores):
    todo = classes.plans(
        workers=one(options["workers"], cores),
        threads=one(options["threads"], classes.THREADS),
        users=one(options["users"], None),
        duration_s=options["duration"] or CLASSES_S,
        ms=options["ms"],
    )
    for _, plan in todo:
        scenarios.check(plan)
    run = new_run("classes", todo[0][1], command)
    return Asked(run, lambda tell, _: classes.perform(todo, run, tell), classes_text)


def prepared_tuning(options, command, cores):
    turned = {name: options[name] for name in ("movies", "round_trip", "cache")}
    plan = Plan(
        # The first lesson's fast variant: a page with a query and a template, as most are.
        scenario=options["scenario"] or registry.runnable()[0].slug,
        variants=options["variants"],
        users=(one(options["users"], 1),),
        workers=(one(options["workers"], cores),),
        duration_s=options["duration"] or TUNING_S,
        ms=options["ms"],
        experiment=options["experiment"],
        knobs={name: value for name, value in turned.items() if value is not None},
    )
    scenarios.check(plan)
    (target,) = scenarios.targets(plan)
    if target.path is None:
        raise LoadRefused(
            f"--tuning loads one address, and {plan.scenario} is many: name an experiment"
        )
    wish = tuning_rounds.Wish(
        path=target.path,
        switches=options["switches"] or tuple(SWITCHES),
        rounds=options["rounds"] or ROUNDS,
        seconds=plan.duration_s,
        workers=plan.workers[0],
        users=plan.users[0],
    )
    run = new_run("tuning", plan, command)
    run["generator"] = run["generator_version"] = "one request after the other"
    return Asked(run, lambda tell, _: tuning_rounds.perform(wish, run, tell), tuning_text)


def one(numbers, default):
    return numbers[0] if numbers else default
