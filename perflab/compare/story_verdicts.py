"""Judge what a story has shown: whether each answer is right, stale or somebody else's.

What is right comes from the story's own requests: the visitor who asked, the answer of the variant
that caches nothing, how many computed, how many have voted. `js/compare/cell.js` has the same
rules, and one fixture holds both to the same verdicts (tests/recorded/story_cells.json).
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MARKS = ("right", "stale", "other", "wrong", "again", "none")  # from the best to no verdict
SEVERITY = ("right", "stale", "wrong", "other")  # of answers that are compared with a truth

Json = dict[str, Any]


@dataclass(frozen=True)
class StoryAnswer:
    """What one request of a story brought."""

    text: str  # of the page's element with `data-answer`; "" without one
    queries: int
    hits: int
    misses: int
    errors: int  # of the cache
    worker: int  # its process id
    sql: float = 0  # ms in the database
    total: float = 0  # ms until its page was made


@dataclass(frozen=True)
class Facts:
    """All that a verdict on one cell needs: a step of a story, played on one variant."""

    truth: str  # TRUTHS of the registry
    read: str  # READINGS of the registry
    answers: tuple[StoryAnswer, ...]
    visitor: str = ""  # who asked
    visitors: tuple[str, ...] = ()  # all of the story
    now: tuple[str, ...] = ()  # what was true just before and just after the answers
    earlier: tuple[str, ...] = ()  # what was true in this variant's earlier steps
    together: bool = False  # whether all were sent at once
    in_flight: int | None = None  # how many waited for their answers at once, at most
    at_work: float | None = None  # on how many the lab worked at once, on average
    changed: int = 0  # how many changes the lab has taken, in this variant's steps so far
    refused: int = 0  # how many it has not taken
    errors: int = 0  # of the cache, while the data was changed
    failure: str = ""  # why there is no answer

    @classmethod
    def from_json(cls, found: Json) -> "Facts":
        """Return the facts that a JSON object holds."""
        answers = tuple(StoryAnswer(**answer) for answer in found["answers"])
        lists = {name: tuple(found.get(name, ())) for name in ("visitors", "now", "earlier")}
        return cls(**{**found, **lists, "answers": answers})


@dataclass(frozen=True)
class Cell:
    """What a story's table says of one step on one variant."""

    mark: str  # MARKS
    words: str  # the verdict, such as "greeted Bob as Ada"
    text: str  # what was answered, such as "Welcome, Ada."


@dataclass(frozen=True)
class Verdict:
    """What a story says of a variant: right, not right, or None where there is no verdict."""

    name: str
    right: bool | None
    words: str
    cells: tuple[Cell, ...] = field(default=(), compare=False)

    def to_json(self) -> Json:
        """Return it as it stands in the JSON of `manage.py measure`."""
        cells = [{"mark": c.mark, "words": c.words, "text": c.text} for c in self.cells]
        return {"name": self.name, "right": self.right, "words": self.words, "cells": cells}


def judge_cell(facts: Facts) -> Cell:
    """Return the verdict on one step of one variant."""
    text = describe(facts)
    errors = facts.errors + sum(answer.errors for answer in facts.answers)
    if facts.failure:
        return Cell("none", f"no verdict: {facts.failure}", text)
    if errors:
        times = "once" if errors == 1 else f"{errors} times"
        return Cell("none", f"no verdict: the cache failed {times}", text)
    if facts.truth == "once":
        mark, words = judge_computations(facts)
        return Cell(mark, words if mark == "none" else f"{describe_hit_rate(facts)}{words}", text)
    if facts.truth == "counted":
        return Cell(*judge_count(facts), text)
    if facts.truth == "prompt":
        return Cell(*judge_waits(facts), text)
    return Cell(*judge_texts(facts), text)


def judge_texts(facts: Facts) -> tuple[str, str]:
    """Return mark and words for answers that are compared with a truth; the worst one counts."""
    found = [
        judge_greeting(answer.text, facts)
        if facts.truth == "greeting"
        else judge_content(answer.text, facts)
        for answer in facts.answers
    ]
    mark, words = max(found, key=lambda one: SEVERITY.index(one[0]))
    count = sum(one[0] == mark for one in found)
    if mark != "right" and count < len(found):
        words += f", {count} of {len(found)} times"
    return mark, words


def judge_greeting(text: str, facts: Facts) -> tuple[str, str]:
    """Return mark and words for a page that has to greet the visitor who asked."""
    words = text.replace(",", " ").replace(".", " ").split()
    if facts.visitor in words:
        return "right", f"greeted {facts.visitor}"
    for name in facts.visitors:
        if name in words:
            return "other", f"greeted {facts.visitor} as {name}"
    return "wrong", f"did not greet {facts.visitor}"


def judge_content(text: str, facts: Facts) -> tuple[str, str]:
    """Return mark and words for a page that has to show what the data says now."""
    if text in facts.now:
        return "right", "showed what is true now"
    if text in facts.earlier:
        return "stale", "still showed what was true before"
    return "wrong", "showed what is not true"


def judge_computations(facts: Facts) -> tuple[str, str]:
    """Return mark and words for answers of which at most one had to be computed."""
    computed = Counter(answer.worker for answer in facts.answers if answer.queries)
    total, count = computed.total(), len(facts.answers)
    workers = {answer.worker for answer in facts.answers}
    if total == 0:
        return "right", "nobody computed it"
    if total == 1:
        if count > 1 and len(workers) == 1 and (facts.at_work or 0) <= 1:
            return "none", ONE_WORKER
        return "right", "one computed it"
    if total == count:
        return "again", f"all {total} computed it"
    if max(computed.values()) == 1 and not facts.together:
        return "again", f"each of {total} workers computed it"
    return "again", f"{total} computed it{' at once' if facts.together else ''}"


def judge_count(facts: Facts) -> tuple[str, str]:
    """Return mark and words for a page that says how many votes were counted: "7 votes"."""
    number = NUMBER.match(facts.answers[-1].text)
    counted, taken, refused = int(number[0]) if number else 0, facts.changed, facts.refused
    if counted > taken:
        return "wrong", f"counted {votes(counted)}, and there were {taken}"
    if lost := taken - counted:
        words = f"lost {lost} of {votes(taken)}"
        return "wrong", f"{words} and refused {refused}" if refused else words
    if refused:
        return "wrong", f"refused {refused} of {votes(taken + refused)}"
    if facts.at_work is not None and facts.at_work <= 1:
        return "none", NOBODY_MET
    return "right", f"counted {'all ' if taken > 1 else ''}{votes(taken)}"


def judge_waits(facts: Facts) -> tuple[str, str]:
    """Return mark and words for pages of which none may wait in the database for another one."""
    answers = facts.answers
    quickest = min(answer.total for answer in answers)
    waited = [answer for answer in answers if answer.sql > WAITED * quickest]
    if waited:
        return "wrong", f"{len(waited)} of {len(answers)} waited for somebody else's transaction"
    if len(answers) > 1 and (facts.at_work or 0) <= 1:
        return "none", ONE_WORKER
    return "right", "nobody waited for another visitor"


WAITED = 0.8  # of the quickest page: on a busy machine some SQL is slow, and waits for nobody
NUMBER = re.compile(r"\d+")
NOBODY_MET = "no verdict: the votes were taken one after the other"
HIT_RATE = "hit rate"
ONE_WORKER = "no verdict: one worker answered them all, one after the other"


def describe(facts: Facts) -> str:
    """Return what was answered, in words; "" without an answer."""
    answers = facts.answers
    if not answers:
        return ""
    if facts.truth == "once":
        text = f"{sum(answer.queries > 0 for answer in answers)} of {len(answers)} computed it"
        if facts.in_flight:
            workers = len({answer.worker for answer in answers})
            answered = "1 worker" if workers == 1 else f"{workers} workers"
            text += f"; {facts.in_flight} in flight at once, answered by {answered}"
        return text
    if facts.truth == "prompt":
        longest = max(round(answer.sql) for answer in answers)
        return f"up to {longest:,} ms in the database, {sum_up_totals(answers)}"
    text = count_equal([answer.text or "–" for answer in answers])
    if facts.read == "queries":
        text += f" {count_equal([queries(answer.queries) for answer in answers])}"
    return text


def describe_hit_rate(facts: Facts) -> str:
    """Return "hit rate 98 %, " where the lesson is that rate; "" elsewhere, or without a cache."""
    hits, misses = (sum(getattr(a, name) for a in facts.answers) for name in ("hits", "misses"))
    if facts.read != "workers" or not hits + misses:
        return ""
    return f"{HIT_RATE} {int(100 * hits / (hits + misses) + 0.5)} %, "


def sum_up_totals(answers: tuple[StoryAnswer, ...]) -> str:
    """Return how long the pages took: "pages of 204 ms", "pages of 204 to 512 ms"."""
    totals = [round(answer.total) for answer in answers]
    least, most = min(totals), max(totals)
    return f"pages of {most:,} ms" if least == most else f"pages of {least:,} to {most:,} ms"


def votes(number: int) -> str:
    """Return "1 vote", "2 votes"."""
    return f"{number} {'vote' if number == 1 else 'votes'}"


def queries(number: int) -> str:
    """Return "1 query", "2 queries"."""
    return f"{number} {'query' if number == 1 else 'queries'}"


def count_equal(texts: list[str]) -> str:
    """Return texts joined, equal ones once: "Vertigo ×3, Psycho"."""
    counts = Counter(texts)
    return ", ".join(text if n == 1 else f"{text} ×{n}" for text, n in counts.items())


def judge_variant(name: str, cells: list[Cell]) -> Verdict:
    """Return the verdict on a variant: its first cell without a verdict, or that is not right."""
    for cell in cells:
        if cell.mark == "none":
            return Verdict(name, None, cell.words, tuple(cells))
    for cell in cells:
        if cell.mark != "right":
            return Verdict(name, False, cell.words, tuple(cells))
    rate = next((cell.words for cell in cells if cell.words.startswith(HIT_RATE)), "")
    return Verdict(name, True, f"right: {rate}" if rate else "right", tuple(cells))
