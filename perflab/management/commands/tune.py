"""`manage.py tune`: settings of Gunicorn and Django turned on and off, on one page."""

from perflab.base import numbers
from perflab.base.config import count_default_workers
from perflab.catalogue import registry
from perflab.load import plan, scenarios
from perflab.load.comparisons import tuning, tuning_rounds
from perflab.load.comparisons.tables import tuning_text
from perflab.load.model import TUNING
from perflab.load.run import new_run
from perflab.management.arguments import argument_type
from perflab.management.load_command import LoadCommand, PreparedRun

DURATION_S = 3  # of each position of a switch in a round
ROUNDS = 6
GENERATOR = "one request after the other"


class Command(LoadCommand):
    help = (
        "Turns settings of Gunicorn and Django on and off in alternating rounds, on one page, and "
        "tells which of them are worth it on this machine. Exit status 2 when it could not be "
        "measured, 130 when it was interrupted."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "scenario",
            nargs="?",
            help="io-bound, cpu-bound or an experiment's slug (the first experiment)",
        )
        self.add_counts(
            parser,
            numbers.whole_number,
            users="who ask, each one request after the other (1)",
            workers="Gunicorn's (one for each core)",
        )
        parser.add_argument(
            "--duration", type=argument_type(plan.duration), help="of each position in a round (3s)"
        )
        self.add_variants(parser, slow=("slow",), fast=("fast",))
        self.add_page(parser)
        self.add_ms(parser)
        parser.add_argument(
            "--switches",
            type=argument_type(tuning.names),
            metavar="NAME,…",
            help=f"only these of {', '.join(tuning.SWITCHES)}",
        )
        parser.add_argument(
            "--rounds",
            type=argument_type(numbers.whole_number, 1, tuning.MOST_ROUNDS),
            metavar="N",
            help=f"({ROUNDS})",
        )
        self.add_json(parser)

    def prepare(self, options, command):
        tuning_plan = plan.Plan(
            # The fast variant of the first lesson has a query and a template, as most pages have.
            scenario=options["scenario"] or registry.runnable()[0].slug,
            variants=options["variants"],
            users=(options["users"] or 1,),
            workers=(options["workers"] or count_default_workers(),),
            duration_s=options["duration"] or DURATION_S,
            ms=options["ms"],
            experiment=options["experiment"],
            knobs=plan.chosen_knobs(options),
        )
        scenarios.check(tuning_plan)
        (target,) = scenarios.targets(tuning_plan)
        if target.path is None:
            raise plan.LoadRefused(
                f"tune loads one address, and {tuning_plan.scenario} is many: name an experiment"
            )
        request = tuning_rounds.TuningRequest(
            path=target.path,
            switches=options["switches"] or tuple(tuning.SWITCHES),
            rounds=options["rounds"] or ROUNDS,
            seconds=tuning_plan.duration_s,
            workers=tuning_plan.workers[0],
            users=tuning_plan.users[0],
        )
        run = new_run(tuning_plan, command, TUNING)
        run.generator = run.generator_version = GENERATOR

        def perform(on_progress, on_point):
            tuning_rounds.perform(request, run, on_progress)

        return PreparedRun(run, perform, tuning_text)
