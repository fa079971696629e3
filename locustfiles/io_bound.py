"""Load a page whose worker mostly waits: how many requests can wait at the same time?

    locust -f locustfiles/io_bound.py --headless --users 32 --run-time 20s --ms 50

As many as there are workers times threads, far more than there are cores: waiting needs no
processor. Compare cpu_bound.py, whose page takes as long, but whose limit is the cores.
"""

from _calibrated import CalibratedUser


class Waiting(CalibratedUser):
    page = "/io-bound/"
