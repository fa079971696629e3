"""Test the options and commands of `python3 -m perflab`."""

from tests.support.launcher import perflab


def test_test_passes_its_arguments_to_pytest_and_its_exit_status_on(running, furnished):
    """While a lab runs."""
    (furnished / "tests" / "test_two.py").write_text(
        "def test_right():\n    pass\n\ndef test_wrong():\n    assert False\n"
    )
    arguments = ["test", "--noconftest", "-n0", "-q", "tests/test_two.py", "-k"]

    right = perflab(furnished, *arguments, "right")
    wrong = perflab(furnished, *arguments, "wrong")

    assert (right.returncode, wrong.returncode) == (0, 1), right.stdout + right.stderr
    assert "1 passed, 1 deselected" in right.stdout
    assert running.page("health/")


def test_help_names_every_option_and_command(furnished):
    done = perflab(furnished, "--help")

    assert done.returncode == 0
    for word in (
        *("--workers", "--threads", "--bind", "--movies", "--find-links"),
        *("test", "bundle", "REDIS_URL", "DATABASE_URL", "WEB_CONCURRENCY"),
    ):
        assert word in done.stdout
