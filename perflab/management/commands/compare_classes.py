"""`manage.py compare_classes`: Gunicorn's worker classes on both calibrated pages."""

from perflab.base import numbers
from perflab.base.config import count_default_workers
from perflab.load import plan, scenarios
from perflab.load.comparisons import worker_classes
from perflab.load.comparisons.tables import classes_text
from perflab.load.model import CLASSES
from perflab.load.run import new_run
from perflab.management.arguments import argument_type
from perflab.management.load_command import LoadCommand, PreparedRun


class Command(LoadCommand):
    help = (
        "Compares Gunicorn's worker classes on the two calibrated pages, one that waits and one "
        "that computes, and tells what each class gains and costs. Exit status 1 when answers "
        "failed, 2 when it could not be measured, 130 when it was interrupted."
    )

    def add_arguments(self, parser):
        self.add_counts(
            parser,
            numbers.whole_number,
            users="who ask at once (32 on the page that waits, 8 on the one that computes)",
            workers="Gunicorn's (one for each core)",
            threads="of each gthread worker (4)",
        )
        parser.add_argument(
            "--duration", type=argument_type(plan.duration), help="of each point (20s)"
        )
        self.add_ms(parser)
        self.add_json(parser)

    def prepare(self, options, command):
        todo = worker_classes.plans(
            workers=options["workers"] or count_default_workers(),
            threads=options["threads"] or worker_classes.THREADS,
            users=options["users"],
            duration_s=options["duration"] or worker_classes.DURATION_S,
            ms=options["ms"],
        )
        for _, point_plan in todo:
            scenarios.check(point_plan)
        run = new_run(todo[0][1], command, CLASSES)

        def perform(on_progress, on_point):
            worker_classes.perform(todo, run, on_progress)

        return PreparedRun(run, perform, classes_text)
