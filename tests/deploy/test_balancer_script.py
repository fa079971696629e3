"""Test deploy/balancer.py: the ports that it writes, and what it refuses."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

from tests.support import services
from tests.support.balancers import BALANCERS
from tests.support.labs import ROOT
from tests.support.services import or_skip


@pytest.fixture
def balancer_module():
    spec = importlib.util.spec_from_file_location("deploy_balancer", ROOT / "deploy/balancer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", BALANCERS)
def test_only_the_ports_differ_from_the_files(balancer_module, name):
    text = (ROOT / "deploy" / balancer_module.FILES[name]).read_text()

    five = balancer_module.with_ports(text, 7000, range(7100, 7105))

    assert balancer_module.with_ports(text, 5000, [5100, 5101, 5102]) == text
    assert five.count("127.0.0.1:7000") == text.count("127.0.0.1:5000") == 1
    assert set(re.findall(r"127\.0\.0\.1:(71\d\d)", five)) == {str(n) for n in range(7100, 7105)}


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "0"), ("PORT", "x"), ("INSTANCES", "0"), ("INSTANCES", "9" * 99)]
    + [("WEB_PORT", "70000"), ("WEB_PORT", "4998"), ("BALANCER", "apache")],
)
def test_a_value_that_makes_no_sense_is_refused_in_one_line(var, name, value):
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy/balancer.py")],
        env={**os.environ, "PERFLAB_VAR": str(var), name: value},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2
    assert name in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize("name", BALANCERS)
def test_a_port_that_is_taken_is_told_in_one_line(var, name):
    or_skip(services.find, name, folders=("/usr/local/sbin", "/usr/sbin", "/sbin"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, str(ROOT / "deploy/balancer.py")],
            env={**os.environ, "PERFLAB_VAR": str(var), "BALANCER": name, "PORT": port},
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert done.returncode == 1
    assert done.stderr == f"balancer: cannot listen on 127.0.0.1:{port}: Address already in use.\n"
    assert done.stdout == ""


def test_without_any_balancer_one_line_says_so(balancer_module, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda *arguments, **options: None)
    monkeypatch.delenv("PORT", raising=False)

    with pytest.raises(SystemExit) as ended:
        balancer_module.main()

    assert ended.value.code == 1
    assert capsys.readouterr().err == "balancer: neither haproxy nor nginx is installed.\n"
