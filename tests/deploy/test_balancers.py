"""Test haproxy.cfg and nginx.conf in front of instances that do what the test tells them."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.balancers import BALANCERS, LIES, ask, balancer, free_ports
from tests.support.services import wait_until

pytestmark = pytest.mark.usefixtures("may_start_servers")


class PretendedInstance(ThreadingHTTPServer):
    """Notes what it is asked (health checks apart); answers, or hangs up as one that dies would."""

    daemon_threads = True

    def __init__(self, port):
        self.requests = []
        self.healthy = self.answering = True
        super().__init__(("127.0.0.1", port), PretendedAnswer)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, address):
        """HAProxy's checks hang up once they know: nothing to print."""

    def end(self):
        self.shutdown()
        self.server_close()


class PretendedAnswer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = 200
        if self.path == "/health/":
            status = 200 if self.server.healthy else 503
        else:
            self.server.requests.append((self.command, self.headers))
            if not self.server.answering:
                self.close_connection = True
                return
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture
def pretended():
    base = free_ports(0, 1, 2)
    instances = [PretendedInstance(base + n) for n in range(3)]
    yield instances
    for instance in instances:
        instance.end()


def asked(instances):
    """What reached the instances, all together."""
    return [request for instance in instances for request in instance.requests]


@pytest.fixture(params=BALANCERS)
def port(request, pretended, var):
    with balancer(request.param, pretended[0].server_port, var) as port:
        yield port


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_balancer_says_itself_who_is_asking(port, pretended, lie):
    ask(
        port,
        "/",
        headers={name: value.replace("127.0.0.1", "192.0.2.1") for name, value in lie.items()},
    )

    [(_, headers)] = asked(pretended)
    assert headers.get_all("X-Forwarded-For") == ["127.0.0.1"]
    assert headers.get_all("X-Real-IP") == ["127.0.0.1"]
    assert headers.get_all("X-Forwarded-Proto") == ["http"]
    assert headers.get_all("X-Forwarded-Host") == headers.get_all("Host") == [f"127.0.0.1:{port}"]
    assert "Forwarded" not in headers
    assert sum(name.lower().startswith("x-forwarded-") for name in headers) == 3


@pytest.mark.parametrize(
    ("method", "times"), [("GET", 2), ("HEAD", 2), ("POST", 1), ("PUT", 1), ("DELETE", 1)]
)
def test_what_only_reads_is_sent_again_and_nothing_else(port, pretended, method, times):
    for instance in pretended:
        instance.answering = False

    answer = ask(port, "/", method)

    assert answer.status == 502
    assert {sent for sent, _ in asked(pretended)} == {method}
    if times == 1:
        assert len(asked(pretended)) == 1
    else:
        assert sum(bool(instance.requests) for instance in pretended) > 1


def test_an_order_that_was_not_delivered_goes_to_another_instance(port, pretended):
    pretended[0].end()

    statuses = [ask(port, "/", "POST").status for _ in range(6)]

    assert statuses == [200] * 6
    assert len(asked(pretended)) == 6


def test_haproxy_asks_nothing_of_an_instance_that_cannot_serve(pretended, var):
    with balancer("haproxy", pretended[0].server_port, var) as port:
        pretended[0].healthy = False

        def left_out():
            before = len(pretended[0].requests)
            assert {ask(port, "/").status for _ in range(6)} == {200}
            return len(pretended[0].requests) == before

        wait_until(left_out, "leaving out the unhealthy one")
        assert all(instance.requests for instance in pretended[1:])
        pretended[0].healthy = True
        wait_until(lambda: not left_out(), "taking it back")


def test_haproxy_asks_everybody_where_nobody_is_healthy(pretended, var):
    with balancer("haproxy", pretended[0].server_port, var) as port:
        for instance in pretended:
            instance.healthy = False
        log = var / "haproxy.log"
        wait_until(lambda: "has no server available" in log.read_text(), "all checks failing")

        statuses = {ask(port, "/").status for _ in range(6)}

    assert statuses == {200}
    assert all(instance.requests for instance in pretended)
