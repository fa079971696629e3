"""The sources of an experiment's variants, highlighted, with the lines that differ marked."""

import inspect
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import HtmlDjangoLexer, PythonLexer


@dataclass(frozen=True)
class Source:
    """A function or a template: what it is called, where it stands, and its text, also as HTML.

    In the HTML, line n of the text has the id `{anchor}-{n}`.
    """

    name: str
    file: str
    first_line: int
    anchor: str
    text: str
    html: SafeString


@cache
def variant_sources(experiment_slug: str, variants: tuple) -> dict[str, list[Source]]:
    """Each variant's sources by its name; a line is marked where the neighbouring variant differs.

    The slug only keeps the experiments apart. Sources do not change while the lab runs.
    """
    texts = {variant.name: _texts(variant) for variant in variants}
    sources = {}
    for position, variant in enumerate(variants):
        neighbour = variants[position - 1] if position else variants[1 % len(variants)]
        ours, theirs = texts[variant.name], texts[neighbour.name]
        sources[variant.name] = [
            Source(
                name=text.name,
                file=text.file,
                first_line=text.first_line,
                anchor=f"{variant.name}-{number}",
                text=text.content,
                html=_highlighted(text, changed, f"{variant.name}-{number}"),
            )
            for number, (text, changed) in enumerate(
                zip(ours, _changed_lines(ours, theirs), strict=True)
            )
        ]
    return sources


class Text(NamedTuple):
    """A piece of code as it stands in a file."""

    name: str
    file: str
    first_line: int
    content: str


def _texts(variant):
    """The view, what it calls, and its templates, in that order."""
    functions = [
        _function(variant.view, variant.name),
        *(_function(f, f.__name__) for f in variant.also),
    ]
    templates = [
        Text(name, name, 1, get_template(name).template.source.rstrip() + "\n")
        for name in variant.templates
    ]
    return functions + templates


def _function(function, name):
    """A function's text, decorators and all, without those that wrap it."""
    lines, first_line = inspect.getsourcelines(function)
    file = Path(inspect.getsourcefile(inspect.unwrap(function))).relative_to(settings.BASE_DIR)
    return Text(f"{name}()", str(file), first_line, "".join(lines).rstrip() + "\n")


def _changed_lines(ours, theirs):
    """For each of our texts, the numbers of its lines (from 1) that their text does not have."""
    changes = []
    for our_text, their_text in zip(ours, _counterparts(ours, theirs), strict=True):
        our_lines = _comparable(our_text.content)
        their_lines = _comparable(their_text.content) if their_text else []
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


def _counterparts(ours, theirs):
    """Their text for each of ours: view for view, then the one of the same name, else the next one
    of its kind (function or template), or None.
    """
    names = {text.name for text in ours[1:]}
    found = [theirs[0]]
    left = [text for text in theirs[1:] if text.name not in names]
    by_name = {text.name: text for text in theirs[1:]}
    for text in ours[1:]:
        same_kind = [other for other in left if _is_template(other) == _is_template(text)]
        counterpart = by_name.get(text.name) or next(iter(same_kind), None)
        left = [other for other in left if other is not counterpart]
        found.append(counterpart)
    return found


def _is_template(text):
    return text.name.endswith(".html")


def _comparable(text):
    """The lines without what always differs: the variant's own name."""
    return re.sub(r"^(async )?def \w+\(", r"\1def (", text, flags=re.MULTILINE).splitlines()


def _highlighted(text, changed, anchor):
    lexer = HtmlDjangoLexer() if _is_template(text) else PythonLexer()
    formatter = HtmlFormatter(cssclass="code", hl_lines=changed, wrapcode=True, linespans=anchor)
    return mark_safe(highlight(text.content, lexer, formatter))  # Pygments escapes it
