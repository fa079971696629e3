"""Both sides of every experiment in one run, on the same workers at the same time.

    locust -f locustfiles/duel.py --headless --users 2 --run-time 30s

Each user takes an experiment and asks for both its sides, in either order. With no more users
than the lab has workers, nobody waits and the two rows tell the two pages apart. With more, the
fast pages queue behind the slow ones: a slow page is slow for everybody.
"""

import random

from lab import LabUser
from locust import task


class Duel(LabUser):
    @task
    def both_sides(self):
        experiment = next(self.tour)
        sides = [("slow", experiment["rungs"][0]), ("fast", experiment["rungs"][-1])]
        random.shuffle(sides)
        for side, rung in sides:
            self.see_rung(rung, name=f"{experiment['slug']} {side}")
