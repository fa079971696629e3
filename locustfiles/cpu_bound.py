"""Load a page whose worker computes all the time: more workers than cores gain nothing.

    locust -f locustfiles/cpu_bound.py --headless --users 8 --run-time 20s --ms 50

Each core makes 20 pages of 50 ms in a second, however many workers share it. The other workers wait
for a core, and so do their users. Compare io_bound.py.
"""

from _calibrated import CalibratedUser


class Computing(CalibratedUser):
    page = "/cpu-bound/"
