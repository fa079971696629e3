"""`manage.py verify`: prove the experiments' promises on this database and these caches."""

from django.conf import settings
from django.core.management.base import CommandError

from perflab.base import numbers
from perflab.catalogue import registry
from perflab.compare.promises import broken_promises
from perflab.management.arguments import argument_type
from perflab.management.one_line_command import OneLineCommand


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

    def handle(self, *, slug, rows, cache, **options):
        for name in slug:
            if name not in registry.experiments:
                known = ", ".join(registry.experiments)
                raise CommandError(
                    f"there is no experiment {name!r}; there are {known}", returncode=2
                )
        failures = 0
        for experiment in registry.experiments.values():
            if slug and experiment.slug not in slug:
                continue
            if not experiment.runs_here:
                self.stdout.write(f"-     {experiment.slug}  needs {experiment.needs}")
                continue
            for backend in cache:
                broken = [b for n in rows for b in broken_promises(experiment, n, backend)]
                failures += len(broken)
                self.stdout.write(f"{'FAIL' if broken else 'ok':4}  {experiment.slug}  {backend}")
                for sentence in broken:
                    self.stdout.write(f"      {sentence}")
        if failures:
            raise CommandError(f"{failures} promises are not kept", returncode=1)
