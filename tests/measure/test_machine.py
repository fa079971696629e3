"""The seconds of a machine's cores, of which those of virtual machines count once."""

from collections import namedtuple

import psutil
import pytest

from perflab.measure import machine

Linux = namedtuple(
    "Linux", "user nice system idle iowait irq softirq steal guest guest_nice", defaults=[0] * 10
)
MacOS = namedtuple("MacOS", "user nice system idle")


@pytest.mark.parametrize(
    ("times", "total", "busy"),
    [
        (Linux(user=10, system=5, idle=80, iowait=5), 100, 15),
        (Linux(user=10, guest=4, idle=90), 100, 10),  # the guest's 4 s stand in `user` too
        (Linux(nice=10, guest_nice=10, idle=90), 100, 10),
        (Linux(irq=1, softirq=2, steal=3, idle=94), 100, 6),
        (MacOS(user=10, nice=0, system=5, idle=85), 100, 15),
    ],
)
def test_guests_count_once_and_waiting_is_not_busy(times, total, busy):
    assert machine.total_cpu_s(times) == total
    assert machine.busy_cpu_s(times) == busy


def test_the_machine_was_busy_for_no_longer_than_its_cores_were_there():
    busy, cores = machine.machine_busy_cpu_s(), psutil.cpu_times(percpu=True)

    assert 0 < busy < sum(machine.total_cpu_s(core) for core in cores) + 1
