"""And how much of this? Every experiment's fast side, page after page.

    locust -f locustfiles/fast.py --headless --users 4 --run-time 30s

The counterpart of slow.py: same users, same order, same names. What differs is the pages.
"""

from _lab import LabUser, sides
from locust import task


class FastSide(LabUser):
    @task
    def next_page(self):
        experiment = next(self.tour)
        self.see_rung(sides(experiment)[1], name=experiment["slug"])
