"""The sources of an experiment's variants, highlighted, with the lines that differ marked."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

from django.conf import settings
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import HtmlDjangoLexer, PythonLexer
from pygments.token import Comment, String

from .registry import Variant

SETTINGS = "settings.py"  # the name of a part of the settings, which is in no file of ours


@dataclass(frozen=True)
class Source:
    """A function, a template or a part of the settings, for the page."""

    name: str
    file: str
    first_line: int
    anchor: str  # line n of the text has the id `{anchor}-{n}` in the HTML
    text: str
    html: SafeString
    html_without_comments: SafeString  # for a reader who has yet to guess what the code does

    @property
    def is_settings(self) -> bool:
        """Whether it belongs into a project's settings.py."""
        return self.name == SETTINGS


@cache
def variant_sources(experiment_slug: str, variants: tuple[Variant, ...]) -> dict[str, list[Source]]:
    """Return each variant's sources by its name, with the lines marked that its neighbour lacks.

    The slug keeps the experiments apart in the cache. Sources do not change while the lab runs.
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
                html_without_comments=_highlighted(
                    *_without_comments(text, changed), f"{variant.name}-{number}"
                ),
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


def _texts(variant: Variant) -> list[Text]:
    """Return the view, what it calls, its templates and its settings, in that order."""
    functions = [
        _function(variant.view, variant.name),
        *(_function(f, f.__name__) for f in variant.also),
    ]
    templates = [_template(name) for name in variant.templates]
    return functions + templates + ([_settings(variant.settings)] if variant.settings else [])


def _settings(text: str) -> Text:
    """Return a variant's settings, without the indent that they have in the experiment's file."""
    return Text(SETTINGS, SETTINGS, 1, dedent(text).strip() + "\n")


def _template(name: str) -> Text:
    """Return a template's text as its file has it."""
    backend: Any = get_template(name)  # of Django's own engine, which knows the source
    return Text(name, name, 1, backend.template.source.rstrip() + "\n")


def _function(function: Callable[..., Any], name: str) -> Text:
    """Return a function's text with its decorators, not the text of the decorators' wrappers."""
    lines, first_line = inspect.getsourcelines(function)
    path = Path(inspect.getsourcefile(inspect.unwrap(function)) or "")
    file = str(path.relative_to(settings.BASE_DIR))
    return Text(f"{name}()", file, first_line, "".join(lines).rstrip() + "\n")


def _changed_lines(ours: list[Text], theirs: list[Text]) -> list[list[int]]:
    """Return for each of our texts the numbers of its lines (from 1) that their text lacks."""
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


def _counterparts(ours: list[Text], theirs: list[Text]) -> list[Text | None]:
    """Return their text for each of ours, or None.

    The view goes with the view; any other text with the one of the same name, or else with the next
    one of its kind (function, template or settings).
    """
    names = {text.name for text in ours[1:]}
    found: list[Text | None] = [theirs[0]]
    left = [text for text in theirs[1:] if text.name not in names]
    by_name = {text.name: text for text in theirs[1:]}
    for text in ours[1:]:
        same_kind = [other for other in left if _kind(other) == _kind(text)]
        counterpart = by_name.get(text.name) or next(iter(same_kind), None)
        left = [other for other in left if other is not counterpart]
        found.append(counterpart)
    return found


def _kind(text: Text) -> str:
    """Return "py" for settings, "html" for a template, and "" for a function."""
    return Path(text.name).suffix.removeprefix(".")


def _is_template(text: Text) -> bool:
    return _kind(text) == "html"


def _comparable(text: str) -> list[str]:
    """Return the lines without what always differs: the variant's own name."""
    return re.sub(r"^(async )?def \w+\(", r"\1def (", text, flags=re.MULTILINE).splitlines()


def _without_comments(text: Text, changed: list[int]) -> tuple[Text, list[int]]:
    """Return a text without comments and docstrings, and the new numbers of its changed lines."""
    lines: list[str] = [""]
    commented: set[int] = set()  # numbers of lines
    for kind, value in _lexer(text).get_tokens(text.content):
        is_comment = kind in Comment or kind in String.Doc
        if is_comment and kind not in Comment.Preproc:  # which a template's tags are
            commented.update(range(len(lines), len(lines) + value.count("\n") + 1))
            value = "\n" * value.count("\n")
        first, *others = value.split("\n")
        lines[-1] += first
        lines += others
    kept = [
        (number, line)
        for number, line in enumerate(lines[:-1], start=1)
        if line.strip() or number not in commented
    ]
    content = "".join(f"{line.rstrip()}\n" for _, line in kept)
    new_numbers = {number: new for new, (number, _) in enumerate(kept, start=1)}
    return (
        text._replace(content=content),
        [new_numbers[number] for number in changed if number in new_numbers],
    )


def _lexer(text: Text) -> Lexer:
    return HtmlDjangoLexer() if _is_template(text) else PythonLexer()


def _highlighted(text: Text, changed: list[int], anchor: str) -> SafeString:
    """Return a text as HTML, with its changed lines marked."""
    formatter = HtmlFormatter(cssclass="code", hl_lines=changed, wrapcode=True, linespans=anchor)
    html: str = highlight(text.content, _lexer(text), formatter)
    return mark_safe(html)  # Pygments has escaped the text
