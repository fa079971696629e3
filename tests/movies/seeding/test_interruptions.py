"""Test that seeding that is killed, interrupted or run twice leaves whole films."""

import signal
from collections import Counter

from tests.support.databases import NEW, OLD
from tests.support.services import wait_until


def interrupted(database, how, *arguments):
    """Start seeding, send the signal once rows are on their way, and return how it ended."""
    process = database.start("seed", *arguments)
    wait_until(lambda: database.is_being_written() or process.poll() is not None, "seeding")
    process.send_signal(how)
    output, errors = process.communicate(timeout=30)
    return process.returncode, output, errors


def test_killed_it_leaves_the_old_films_and_the_next_run_completes(old, digests):
    status, output, _ = interrupted(old, signal.SIGKILL, "--movies", str(NEW), "--reset")

    assert (status, output) == (-signal.SIGKILL, "")
    assert old.digest() == digests[OLD]

    old.seed("--movies", str(NEW))

    assert old.digest() == digests[NEW]


def test_ctrl_c_leaves_the_old_films_and_says_so_in_one_line(old, digests):
    many = 10 * NEW  # so that the signal comes before the end
    status, output, errors = interrupted(old, signal.SIGINT, "--movies", str(many))

    assert (status, output) == (130, "")
    assert errors == (
        "Interrupted: either the old films are still there or all of the new ones are. "
        "Run the command again to be sure.\n"
    )
    assert old.digest() == digests[OLD]


def test_readers_go_on_while_the_films_are_replaced(old):
    process = old.start("seed", "--movies", str(NEW), "--reset")
    wait_until(old.is_being_written, "seeding")
    seen = Counter()

    while process.poll() is None:
        seen[old.counts()["movies_movie"]] += 1

    assert process.returncode == 0
    assert seen[OLD] > 1
    assert set(seen) <= {OLD, NEW}


def test_two_at_once_write_the_films_once(old, digests):
    both = [old.start("seed", "--movies", str(NEW)) for _ in range(2)]

    ended = [(*process.communicate(timeout=60), process.returncode) for process in both]

    assert [status for _, _, status in ended] == [0, 0]
    assert sorted(output.split()[0] for output, _, _ in ended) == ["Seeded", "The"]
    assert old.digest() == digests[NEW]


def test_two_resets_at_once_leave_one_whole_collection(old, digests):
    both = [old.start("seed", "--movies", str(OLD), "--reset") for _ in range(2)]

    for process in both:
        process.communicate(timeout=60)

    assert [process.returncode for process in both] == [0, 0]
    assert old.digest() == digests[OLD]
