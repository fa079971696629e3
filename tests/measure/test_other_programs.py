"""Test that what other programs use is told from what belongs to the measurement."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from time import sleep

import psutil
import pytest

from perflab.measure import other_programs
from perflab.measure.other_programs import CpuCounters, cores_kept_busy, read_counters

starts_processes = pytest.mark.usefixtures("may_start_servers")

LOOP = (sys.executable, "-c", "while True: pass")


@contextmanager
def busy_loop():
    """A process that computes for as long as the block lasts."""
    process = subprocess.Popen(LOOP)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def test_cores_are_the_difference_of_the_counters_without_our_own():
    before = CpuCounters(clock_s=10, machine_s=100, own_s=30)

    assert cores_kept_busy(before, CpuCounters(12, 103, 32)) == 0.5
    assert cores_kept_busy(before, CpuCounters(12, 103, 34)) == 0  # clocks of two kinds
    assert cores_kept_busy(before, None) is None
    assert cores_kept_busy(None, before) is None
    assert cores_kept_busy(before, before) is None


@starts_processes
@pytest.mark.skipif(sys.platform != "linux", reason="other systems count in other ticks")
def test_a_program_of_somebody_else_counts_and_our_own_does_not():
    with busy_loop() as loop:
        before, own_before = read_counters(), read_counters([loop])
        sleep(1)
        after, own_after = read_counters(), read_counters([loop])
        used = loop.cpu_times().user

    others, without_it = cores_kept_busy(before, after), cores_kept_busy(own_before, own_after)
    assert used > 0.1
    assert others > 0.1
    assert without_it < others - 0.05


@starts_processes
def test_ended_children_still_count():
    before = other_programs.used_cpu_s([psutil.Process()])
    program = "t = __import__('time'); [0 for _ in iter(lambda: t.process_time() < 0.3, False)]"
    subprocess.run([sys.executable, "-c", program], check=True)

    assert other_programs.used_cpu_s([psutil.Process()]) - before > 0.25


@starts_processes
def test_a_process_that_has_ended_counts_for_nothing():
    with busy_loop() as loop:
        pass

    assert other_programs.used_cpu_s([loop]) == 0


def test_the_program_at_the_other_end_is_found_with_its_family():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        address, port = client.getsockname()

        found = {process.pid for process in other_programs.find_client(address, str(port))}
        client.close()

    assert os.getpid() in found
    assert other_programs.find_client("127.0.0.1", "1") == []
    assert other_programs.find_client("127.0.0.1", "") == []
