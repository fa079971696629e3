"""The sources of an experiment's rungs, highlighted, with the lines that differ marked."""

import inspect
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import HtmlDjangoLexer, PythonLexer


@dataclass(frozen=True)
class Source:
    """A function or a template: what it is called, its text, and the text as HTML."""

    name: str
    text: str
    html: SafeString


@cache
def rung_sources(experiment_slug: str, rungs: tuple) -> dict[str, list[Source]]:
    """Each rung's sources by its name; a line is marked where the neighbouring rung differs.

    The slug only keeps the experiments apart. Sources do not change while the lab runs.
    """
    texts = {rung.name: _texts(rung) for rung in rungs}
    sources = {}
    for position, rung in enumerate(rungs):
        neighbour = rungs[position - 1] if position else rungs[1]
        sources[rung.name] = [
            Source(name, text, _highlighted(name, text, changed))
            for (name, text), changed in zip(
                texts[rung.name],
                _changed_lines(texts[rung.name], texts[neighbour.name]),
                strict=True,
            )
        ]
    return sources


def _texts(rung):
    """(name, text) of the view, what it calls, and its templates, in that order."""
    functions = [(f"{rung.name}()", inspect.getsource(rung.view))]
    functions += [(f"{function.__name__}()", inspect.getsource(function)) for function in rung.also]
    templates = [(name, get_template(name).template.source) for name in rung.templates]
    return [(name, text.rstrip() + "\n") for name, text in functions + templates]


def _changed_lines(ours, theirs):
    """For each of our texts, the numbers of its lines (from 1) that their text does not have."""
    changes = []
    for (_, our_text), (_, their_text) in zip(ours, theirs, strict=True):
        our_lines, their_lines = _comparable(our_text), _comparable(their_text)
        matcher = SequenceMatcher(None, their_lines, our_lines, autojunk=False)
        changes.append(
            [
                number + 1
                for tag, _, _, first, last in matcher.get_opcodes()
                if tag != "equal"
                for number in range(first, last)
            ]
        )
    return changes


def _comparable(text):
    """The lines without what always differs: the rung's own name."""
    return re.sub(r"^def \w+\(", "def (", text, flags=re.MULTILINE).splitlines()


def _highlighted(name, text, changed):
    lexer = HtmlDjangoLexer() if name.endswith(".html") else PythonLexer()
    formatter = HtmlFormatter(nowrap=False, cssclass="code", hl_lines=changed, wrapcode=True)
    return mark_safe(highlight(text, lexer, formatter))  # Pygments escapes it
