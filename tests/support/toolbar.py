"""Open pages with the debug toolbar and read its panels."""

import html
import json
import re
import urllib.parse
from dataclasses import dataclass

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
SLOW = "/experiments/n-plus-one/slow/"


def text_of(markup):
    """The text of some HTML, on one line."""
    markup = re.sub(r"<br/?>|&nbsp;", " ", markup)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", markup)).split())


@dataclass
class Page:
    """A page with the toolbar in it: its id, and what the toolbar's buttons say."""

    path: str
    id: str
    worker: int
    queries: int
    buttons: str


def has_toolbar(response):
    return 'id="djDebug"' in response.text


def inspect(lab, path):
    """Open a page with the toolbar."""
    response = lab.get(f"{path}{'&' if '?' in path else '?'}inspect=1")
    assert response.status < 500
    request_id = re.search(r'data-request-id="([0-9a-f]{32})"', response.text)
    assert request_id, f"there is no toolbar in {path}"
    toolbar = response.text[response.text.index('id="djDebug"') :]
    timing = response.timing
    return Page(path, request_id[1], timing["worker"], timing["queries"], text_of(toolbar))


def panel(lab, page, name):
    """The HTML of one panel of a page, and the worker that made it."""
    query = urllib.parse.urlencode({"request_id": page.id, "panel_id": name})
    response = lab.get(f"/__debug__/render_panel/?{query}")
    assert response.status == 200
    return json.loads(response.text)["content"], response.timing["worker"]


def history(lab, page):
    """The requests that History lists: {id: its row's text}, oldest first."""
    response = lab.get(f"/__debug__/history_refresh/?request_id={page.id}")
    assert response.status == 200
    return {row["id"]: text_of(row["content"]) for row in json.loads(response.text)["requests"]}


def switch(lab, page):
    """Press "Switch" beside a request in History: the toolbar's buttons as they are then."""
    query = urllib.parse.urlencode({"request_id": page.id, "exclude_history": "True"})
    response = lab.get(f"/__debug__/history_sidebar/?{query}")
    assert response.status == 200
    return {name: text_of(part["button"]) for name, part in json.loads(response.text).items()}
