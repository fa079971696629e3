"""A page whose worker mostly waits: how many can wait at once?

    locust -f locustfiles/io_bound.py --headless --users 32 --run-time 20s --ms 50

As many as there are workers and threads, far past the cores: waiting needs no processor. Compare
cpu_bound.py, which asks for as long a page and stops at the cores.
"""

from _calibrated import CalibratedUser


class Waiting(CalibratedUser):
    page = "/io-bound/"
