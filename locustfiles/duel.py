"""Both variants of every experiment in one run, on the same workers at the same time.

    locust -f locustfiles/duel.py --headless --users 2 --run-time 30s

Each user takes an experiment and asks for both its variants, in either order. With no more users
than the lab has workers, nobody waits and the two rows tell the two pages apart. With more, the
fast pages queue behind the slow ones: a slow page is slow for everybody.
"""

import random

from _lab import LabUser, variants
from locust import task


class Duel(LabUser):
    @task
    def both_variants(self):
        experiment = next(self.tour)
        both = list(zip(("slow", "fast"), variants(experiment), strict=True))
        random.shuffle(both)
        for variant, variant in both:
            self.see_variant(variant, name=f"{experiment['slug']} {variant}")
