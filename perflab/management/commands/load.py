"""`manage.py load`: a Gunicorn of its own for each point, users in front of it, and a verdict."""

from functools import partial

from perflab.base import numbers
from perflab.base.config import count_default_workers
from perflab.compare.clients import NoLab, parse_url
from perflab.load import plan, scenarios
from perflab.load.generators import tools
from perflab.load.run import new_run, perform
from perflab.load.tables import as_text
from perflab.management.arguments import argument_type
from perflab.management.load_command import LoadCommand, PreparedRun


class Command(LoadCommand):
    help = (
        "Puts users in front of the lab and tells how many it serves: for each point it starts a "
        "Gunicorn of its own on loopback. Exit status 1 when answers failed, 2 when it could not "
        "be measured, 130 when it was interrupted."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "scenario", help=f"{', '.join(scenarios.names())}, or an experiment's slug"
        )
        self.add_counts(
            parser,
            numbers.whole_numbers,
            users="who ask at once: one number, or several as 1,2,4,8 (20)",
            workers="Gunicorn's, one number or several (one for each core)",
            threads="of each worker, one number or several (1)",
        )
        parser.add_argument(
            "--duration", type=argument_type(plan.duration), help="of each point (20s)"
        )
        parser.add_argument(
            "--worker-class",
            choices=plan.WORKER_CLASSES,
            help="Gunicorn's (sync, or gthread with several threads)",
        )
        self.add_variants(parser, slow=("slow",), fast=("fast",), both=scenarios.VARIANTS)
        parser.add_argument(
            "--generator", choices=plan.GENERATORS, default="locust", help="(%(default)s)"
        )
        self.add_page(parser)
        self.add_ms(parser)
        parser.add_argument(
            "--open",
            type=argument_type(plan.rate),
            metavar="RATE",
            dest="open_per_s",
            help="then ask once more, so many times a second whether or not answers come",
        )
        parser.add_argument(
            "--freeze",
            type=argument_type(plan.freeze),
            metavar="1s",
            dest="freeze_s",
            help="stop Gunicorn's workers for so long during each measurement",
        )
        parser.add_argument(
            "--load-workers",
            type=argument_type(numbers.whole_number, 1, plan.MAX_LOAD_WORKERS),
            metavar="N",
            help="Locust's: a master and so many processes that ask (one process in all)",
        )
        parser.add_argument(
            "--port",
            type=argument_type(numbers.whole_number, 1, 65535),
            help="for our Gunicorn (a free one)",
        )
        parser.add_argument(
            "--host", metavar="URL", help="load this lab, which runs already, and start none"
        )
        parser.add_argument(
            "--i-own-this-host", action="store_true", help="allow a --host that is not on loopback"
        )
        self.add_json(parser)

    def prepare(self, options, command):
        load_plan = plan_of(options)
        scenarios.check(load_plan)
        if load_plan.generator != "locust":
            tools.check(load_plan.generator)
        run = new_run(load_plan, command)
        return PreparedRun(run, partial(perform, load_plan, run), as_text)


def plan_of(options):
    """Return the Plan that the options ask for. Raises LoadRefused."""
    host, own = options["host"], options["i_own_this_host"]
    if host:
        try:
            host, _ = parse_url(host, own)
        except NoLab as error:
            raise plan.LoadRefused(str(error).replace("--url", "--host")) from error
        for name in ("workers", "threads", "worker_class", "port"):
            if options[name]:
                raise plan.LoadRefused(
                    f"{scenarios.flag(name)} is for a Gunicorn that we start, not for a --host"
                )
    return plan.Plan(
        scenario=options["scenario"],
        variants=options["variants"],
        users=options["users"] or (20,),
        workers=(None,) if host else options["workers"] or (count_default_workers(),),
        threads=(None,) if host else options["threads"] or (1,),
        worker_class=options["worker_class"],
        duration_s=options["duration"] or 20.0,
        generator=options["generator"],
        ms=options["ms"],
        experiment=options["experiment"],
        knobs=plan.chosen_knobs(options),
        host=host,
        own_host=own,
        port=options["port"],
        open_per_s=options["open_per_s"],
        freeze_s=options["freeze_s"] or 0,
        load_workers=options["load_workers"] or 0,
    )
