"""A visitor of a lab, in this process or over HTTP: a client that keeps its cookies."""

import re
from http import HTTPStatus

from .clients import Answer, LabClient

VISITOR = "/visitor/"  # a page with a form; here a visitor gives the lab a name
CSRF_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Refused(Exception):
    """The lab refuses what a visitor sends. The message is one line."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


class Visitor:
    """Sends pages' forms as a browser does, with cookies and Django's CSRF token."""

    def __init__(self, client: LabClient) -> None:
        self.client = client
        self.cookies: dict[str, str] = {}
        self.csrf_token = ""

    def headers(self) -> dict[str, str]:
        """Return the headers that carry the cookies."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookies} if cookies else {}

    def get(self, path: str, **headers: str) -> Answer:
        """Return the answer to one request."""
        return self._keep_cookies(self.client.get(path, **headers, **self.headers()))

    def post(self, path: str, values: dict[str, str]) -> Answer:
        """Return the answer to a form. Raises Refused."""
        if not self.csrf_token:
            found = CSRF_TOKEN.search(self.get(VISITOR).body.decode(errors="replace"))
            self.csrf_token = found[1] if found else ""
        headers = {
            "X-CSRFToken": self.csrf_token,
            "Origin": self.client.origin,
            **self.headers(),
        }
        answer = self._keep_cookies(self.client.post(path, values, **headers))
        if answer.status >= HTTPStatus.BAD_REQUEST:
            plain = answer.headers.get("content-type", "").startswith("text/plain")
            reason = f": {answer.body.decode(errors='replace').strip()}" if plain else ""
            address = path.partition("?")[0]
            raise Refused(f"the lab refuses {address} ({answer.status}){reason}", answer.status)
        return answer

    def call_oneself(self, name: str) -> None:
        """Give the lab a name, which some pages greet. Raises Refused."""
        self.post(VISITOR, {"name": name})

    def _keep_cookies(self, answer: Answer) -> Answer:
        self.cookies |= answer.cookies
        return answer
