"""Test Locust's web interface: it listens on loopback and loads the lab alone."""

import json
import urllib.parse
import urllib.request

from tests.support.locust_runs import listening, locust, slugs
from tests.support.services import free_port, wait_until


class WebInterface:
    """Locust's web interface, as its own page talks to it."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path, form=None, **headers):
        """A response's status and text; a form is sent by POST."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            request = urllib.request.Request(self.url + path, data, headers)
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def answers(self):
        try:
            return self.ask("/")[0] == 200
        except OSError:
            return False

    def swarm(self, **form):
        return json.loads(self.ask("/swarm", {"user_count": 2, "spawn_rate": 2, **form})[1])

    def figures(self):
        return json.loads(self.ask("/stats/requests")[1])


def test_the_web_interface_listens_on_loopback_and_loads_only_the_lab(lab):
    port = free_port()
    with locust("slow", "--host", lab.url, "--web-port", f"{port}", "--movies", "10") as process:
        web = WebInterface(port)
        wait_until(web.answers, "Locust's web interface")
        assert listening(process) == {("127.0.0.1", port)}

        elsewhere = {"host": "http://192.0.2.1", "i_own_this_host": "true"}
        assert "is not on this machine" in web.swarm(**elsewhere)["message"]
        assert "no lab answers" in web.swarm(host="http://127.0.0.1:1")["message"]
        assert "501 users" in web.swarm(user_count=501, host=lab.url)["message"]
        assert "movies must be" in web.swarm(movies="-1", host=lab.url)["message"]
        assert web.ask("/swarm", {"user_count": 1}, Origin="http://example.com")[0] == 403
        assert web.figures()["state"] == "ready"

        # As the form sends it: a slash at the end, and the knobs that were left empty.
        started = web.swarm(host=f"{lab.url}/", movies="12", cache="", round_trip="")
        assert started["success"], started
        wait_until(lambda: len(web.figures()["stats"]) == len(slugs(lab)) + 1, "every experiment")
        web.ask("/stop", {})
        wait_until(lambda: web.figures()["state"] == "stopped", "the swarm to stop")

        figures = web.figures()
        assert {row["name"] for row in figures["stats"]} == {*slugs(lab), "Aggregated"}
        assert figures["fail_ratio"] == 0, figures["errors"]
