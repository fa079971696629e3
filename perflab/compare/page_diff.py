"""Whether the responses of a run show the same page, and how many rows."""

import difflib
import json
import re
from typing import Any

ROW = re.compile(r"<tr><td|<li\b|<dt\b")  # as locustfiles/_lab.py counts them


def normalise(html: str) -> str:
    """Return the page without white space between tags, and with one tag a line.

    The figures' placeholder is a constant comment in a measured page, so nothing else has to go.
    """
    return re.sub(r">\s*<", ">\n<", html.strip())


def difference(one: str, other: str) -> list[str]:
    """Return the first lines in which two pages differ, as a unified diff, or []."""
    one_lines, other_lines = normalise(one).splitlines(), normalise(other).splitlines()
    if one_lines == other_lines:
        return []
    return list(difflib.unified_diff(one_lines, other_lines, lineterm="", n=1))[:20]


def count_rows(page: str, body: str) -> int | None:
    """Return how many rows an answer shows at most; None where they cannot be counted.

    `body` is the variant's (registry.BODIES). A page has other lists too, so it may show fewer. The
    lines of an export are not its rows: a film has any number of them.
    """
    if body == "html":
        return len(ROW.findall(page))
    if body == "json":
        try:
            lists = [part for part in json.loads(page).values() if isinstance(part, list)]
        except (ValueError, AttributeError):
            return 0
        return max(map(len, lists), default=0)
    return None


class PageComparison:
    """Compares every page with the first one and counts its rows, while no clock is running."""

    def __init__(self) -> None:
        self.first_page: str | None = None
        self.seen: dict[int, int | None] = {}  # by hash of the pages that were compared: their rows
        self.differences: dict[str, list[str]] = {}  # by variant, the lines in which it differs
        self.rows: dict[str, int] = {}  # by variant, the fewest that an answer showed

    def add(self, variant: dict[str, Any], body: bytes) -> None:
        """Count the rows of a variant's page, and compare it, unless its difference is known."""
        name, page = variant["name"], ""
        is_new = hash(body) not in self.seen
        if is_new:
            page = body.decode(errors="replace")
            self.seen[hash(body)] = count_rows(page, variant["body"])
        rows = self.seen[hash(body)]
        if rows is not None:
            self.rows[name] = min(rows, self.rows.get(name, rows))
        if not is_new or name in self.differences:
            return
        if self.first_page is None:
            self.first_page = page
        if lines := difference(self.first_page, page):
            self.differences[name] = lines
