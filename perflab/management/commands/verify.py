"""`manage.py verify`: prove the experiments' promises on this database and these caches."""

from contextlib import nullcontext

from django.conf import settings
from django.core.management.base import CommandError

from perflab.base import numbers
from perflab.catalogue import knobs, registry
from perflab.compare import lab_pages, lessons
from perflab.compare.clients import NoLab, OverHTTP, in_process
from perflab.compare.promises import broken_promises
from perflab.management.arguments import argument_type, no_such_experiment
from perflab.management.one_line_command import OneLineCommand
from perflab.management.own_database import refuse_to_serve_foreign_database


class Command(OneLineCommand):
    help = (
        "Proves that every experiment keeps its promises on the configured database and caches: "
        "the same page on every variant, and the promised number of queries, cold and warm. "
        "Exit status 1 when one does not."
    )

    def add_arguments(self, parser):
        parser.add_argument("slug", nargs="*", help="experiments (default: all)")
        parser.add_argument(
            "--rows",
            type=argument_type(numbers.whole_number, 1, settings.MAX_MOVIES),
            nargs="+",
            default=[10, 25],
            help="rows on the page (10 25)",
        )
        parser.add_argument(
            "--cache", nargs="+", default=settings.LAB_CACHES, choices=settings.LAB_CACHES
        )
        parser.add_argument(
            "--lessons",
            action="store_true",
            help="measure every experiment where its lesson shows, and prove that it does: its "
            "figure differs there, beyond its interval",
        )
        parser.add_argument(
            "--runs",
            type=argument_type(numbers.whole_number, knobs.MIN_RUNS, knobs.MAX_RUNS),
            default=knobs.DEFAULT_RUNS,
            help="of each variant, with --lessons (%(default)s)",
        )
        parser.add_argument(
            "--url",
            help="with --lessons: a running lab, such as http://127.0.0.1:8000 (default: in this "
            "process, where the stories of several workers cannot be played)",
        )

    def handle(self, *, slug, rows, cache, **options):
        for name in slug:
            if name not in registry.experiments:
                raise no_such_experiment(name, registry.experiments)
        if not options["url"]:
            refuse_to_serve_foreign_database()
        if options["lessons"]:
            self.verify_lessons(slug, options["runs"], options["url"])
            return
        chosen = [one for one in registry.experiments.values() if not slug or one.slug in slug]
        try:
            with in_process() as client:
                told = lab_pages.read_catalogue(client)["experiments"]
                lab_pages.check_pages(client, told[:1], {"movies": 1})  # is there anything to show?
                failures = sum(self.verify_promises(one, rows, cache) for one in chosen)
        except lab_pages.LabRefused as problem:
            raise CommandError(str(problem), returncode=2) from problem
        if failures:
            raise CommandError(f"{failures} promises are not kept", returncode=1)

    def verify_promises(self, experiment, rows, backends):
        """Write what an experiment keeps with each cache backend; return the number of failures."""
        if not experiment.runs_here:
            self.stdout.write(f"-     {experiment.slug}  needs {experiment.needs}")
            return 0
        failures = 0
        for backend in backends:
            broken = [b for n in rows for b in broken_promises(experiment, n, backend)]
            failures += len(broken)
            self.stdout.write(f"{'FAIL' if broken else 'ok':4}  {experiment.slug}  {backend}")
            for sentence in broken:
                self.stdout.write(f"      {sentence}")
        return failures

    def verify_lessons(self, slugs, runs, url):
        """Measure experiments where their lessons show; raise CommandError where one does not."""
        failed, unknown = [], []
        try:
            with nullcontext(OverHTTP(url)) if url else in_process() as client:
                catalogue = lab_pages.read_catalogue(client)
                for experiment in catalogue["experiments"]:
                    if slugs and experiment["slug"] not in slugs:
                        continue
                    check = self.verify_lesson(client, experiment, runs)
                    if check.shows is False:
                        failed.append(experiment["slug"])
                    elif check.shows is None:
                        unknown.append(experiment["slug"])
        except (NoLab, lab_pages.LabRefused) as problem:
            raise CommandError(str(problem), returncode=2) from problem
        if unknown:
            self.stdout.write(f"Not measured: {', '.join(unknown)}")
        if failed:
            raise CommandError(f"lessons that do not show: {', '.join(failed)}", returncode=1)

    def verify_lesson(self, client, experiment, runs):
        """Return what was found of a lesson. Where it did not show, more runs decide.

        One interval in twenty misses, and a busy machine makes them wide.
        """
        for number in (runs, min(runs * 4, knobs.MAX_RUNS)):
            try:
                found = lessons.check_lesson(client, experiment, number)
            except lab_pages.PageFailed as failure:
                found = lessons.LessonCheck(False, str(failure))
            if found.shows is not False:
                break
        word = {True: "shows", False: "FAIL", None: "-"}[found.shows]
        self.stdout.write(f"{word:5}  {experiment['slug']}  {found.words}")
        return found
