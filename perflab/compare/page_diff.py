"""Whether two responses show the same page."""

import difflib
import re


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
