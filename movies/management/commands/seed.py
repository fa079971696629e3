"""manage.py seed: fill the tables with films."""

from django.core.management.base import BaseCommand

from movies.seeding import REAL_FILMS, seed


class Command(BaseCommand):
    help = "Fill the tables: the real films first, then invented ones."

    def add_arguments(self, parser):
        parser.add_argument("--movies", type=int, default=REAL_FILMS)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--reset", action="store_true")

    def handle(self, movies, seed: int, reset, **options):
        summary = globals()["seed"](movies, seed, reset)
        self.stdout.write(summary.note or f"Seeded {summary}")
