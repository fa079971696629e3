"""Test connections: how many connections each variant makes, and how a pool ends."""

import json
import subprocess
import sys

import pytest
from django.db import connection
from django.test import Client

from tests.support.labs import ROOT, Lab


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


BACKENDS = """
import json
from django.db import connections
from perflab.catalogue import registry
from perflab.compare import clients

answered = {}
with clients.in_process() as client:
    for variant in registry.get("connections").variants:
        for _ in range(8):
            asked = []
            def note(execute, sql, params, many, context):
                asked.append(context["connection"].connection.info.backend_pid)
                return execute(sql, params, many, context)
            for connection in connections.all():
                connection.execute_wrappers.append(note)
            answer = client.get(f"/experiments/connections/{variant.name}/?movies=5")
            assert answer.status == 200, answer.body
            for connection in connections.all():
                connection.execute_wrappers.remove(note)
            answered.setdefault(variant.name, []).extend(asked)
print(json.dumps(answered))
"""


@pytest.fixture(scope="module")
def lab_on_postgresql(postgresql):
    """A lab of two workers with two threads each."""
    with Lab(workers=2, threads=2, DATABASE_URL=postgresql.url) as lab:
        yield lab


@pytest.mark.exhaustive
def test_only_the_slow_variant_makes_a_connection_for_every_request(lab_on_postgresql):
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", BACKENDS],
        cwd=ROOT,
        env=lab_on_postgresql.environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    asked = json.loads(done.stdout)
    backends = {variant: len(set(pids)) for variant, pids in asked.items()}
    assert [len(pids) for pids in asked.values()] == [8, 8, 8]
    assert backends["slow"] == 8
    assert backends["persistent"] == 1
    assert backends["fast"] <= 4  # the size of the pool
    assert not set(asked["persistent"]) & set(asked["fast"])


def test_each_workers_pool_ends_with_it_in_silence(lab_on_postgresql):
    lab = lab_on_postgresql
    answers = [lab.get("/experiments/connections/fast/?movies=5") for _ in range(12)]

    lab.process.terminate()
    lab.process.wait(20)

    log = lab.log_text()
    assert {answer.status for answer in answers} == {200}
    assert {answer.timing["queries"] for answer in answers} == {1}
    assert "Traceback" not in log
    assert "rror" not in log


@pytest.mark.skipif(connection.vendor == "postgresql", reason="there it can be run")
def test_elsewhere_the_lesson_says_what_it_needs(client):
    response = client.get("/experiments/connections/fast/")

    assert response.status_code == 409
    assert "DATABASE_URL" in response.content.decode()
