"""Play an experiment's story: each variant goes through the same steps, and each answer is judged.

The page does the same in a browser (`js/compare/story.js`). A lab in this process and one behind a
URL are asked alike, as in the runner; the steps come from /experiments.json.
"""

import re
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http import HTTPStatus
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db import connections

from perflab.measure import server_timing

from . import burst, clients
from .clients import Answer, LabClient, NoLab, OverHTTP
from .lab_pages import LabRefused, PageFailed, fetch_variant
from .runner import COMMON_KNOBS
from .story_verdicts import Cell, Facts, StoryAnswer, Verdict, judge_cell, judge_variant
from .visitor import Refused, Visitor

ANSWER = re.compile(r"<(\w+)[^>]*\sdata-answer(?:=\"\")?[^>]*>(.*?)</\1>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
TURN_WAIT_S = 60  # for somebody else's story to end
TURN_CHECK_S = 0.5

Json = dict[str, Any]
Found = TypeVar("Found")


class NoStory(Exception):
    """The lab does not let this client play the story. The message is one line."""


@dataclass(frozen=True)
class Story:
    """What a story has shown."""

    slug: str
    verdicts: tuple[Verdict, ...]  # one a variant, without those for reference

    @property
    def no_verdict(self) -> str:
        """Why there is no verdict on some variant; "" where each has one."""
        found = (f"{v.name}: {v.words}" for v in self.verdicts if v.right is None)
        return next(found, "")

    def to_json(self) -> Json:
        """Return it as it stands in the JSON of `manage.py measure`."""
        return {"verdicts": [verdict.to_json() for verdict in self.verdicts]}


def play_story(client: LabClient, experiment: Json, knobs: Json) -> Story:
    """Play the story of an experiment of /experiments.json, and return what it has shown.

    The data that it changes is restored afterwards. Raises NoStory where the lab lets this client
    change nothing, and NoLab.
    """
    names = COMMON_KNOBS | set(experiment["knobs"])
    chosen = {name: value for name, value in knobs.items() if name in names}
    player = Player(client, experiment, chosen)
    variants = [variant for variant in experiment["variants"] if not variant["reference"]]
    try:
        with player.turn():
            verdicts = [
                judge_variant(variant["name"], player.play_variant(variant)) for variant in variants
            ]
    except Refused as error:
        raise NoStory(str(error)) from error
    return Story(experiment["slug"], tuple(verdicts))


@dataclass
class Past:
    """What has happened in a variant's story so far."""

    who: str = ""  # asks now
    earlier: list[str] = field(default_factory=list)  # what was true in the steps before
    changed: int = 0
    refused: int = 0


class Player:
    """Plays the steps of a story as one visitor."""

    def __init__(self, client: LabClient, experiment: Json, knobs: Json) -> None:
        self.client = client
        self.experiment = experiment
        self.story: Json = experiment["story"]
        self.knobs = knobs
        self.visitor = Visitor(client)
        self.token = secrets.token_hex(10)  # of the turn, where the story changes data

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have the turn to change the story's data, and restore the data when the block ends."""
        if not self.story["changes"]:
            yield
            return
        self._wait_for_turn()
        try:
            yield
        finally:
            self._post_story("end")

    def _wait_for_turn(self) -> None:
        deadline = monotonic() + TURN_WAIT_S
        while (answer := self._post_story("begin")).status == HTTPStatus.ACCEPTED:
            if monotonic() > deadline:
                raise NoStory(answer.body.decode())
            sleep(TURN_CHECK_S)

    def _post_story(self, action: str) -> Answer:
        values = {"action": action, "turn": self.token}
        return self.visitor.post(f"{self.experiment['url']}story/", values)

    def play_variant(self, variant: Json) -> list[Cell]:
        """Play all steps on one variant, with an empty cache of its own."""
        if self.story["changes"]:
            self._post_story("restart")
        knobs = {**self.knobs, "cold": secrets.token_hex(10)}
        past = Past()
        cells = []
        for step in self.story["steps"]:
            past.who = step["visitor"] or past.who
            cells.append(judge_cell(self.play_step(step, variant, knobs, past)))
        return cells

    def play_step(self, step: Json, variant: Json, knobs: Json, past: "Past") -> Facts:
        """Play one step on one variant; what has happened in it is added to `past`."""
        changes: Json = {}
        found: Json = {"answers": ()}
        now: list[str] = []
        try:
            sleep(step["wait_s"])
            if step["visitor"]:
                self.visitor.call_oneself(step["visitor"])
            if step["change"]:
                changes = self._change(step["changes"], variant, knobs, past)
            now += self._read_truth(knobs)
            if step["burst"]:
                found = self._send_burst(step["requests"], variant, knobs)
            else:
                found = {"answers": self._ask(step, variant, knobs)}
            now += self._read_truth(knobs)
        except (PageFailed, LabRefused) as error:
            found = {"answers": (), "failure": str(error).rstrip(".")}
        facts = Facts(
            truth=self.story["truth"],
            read=step["read"],
            visitor=past.who,
            visitors=tuple(one["visitor"] for one in self.story["steps"] if one["visitor"]),
            now=tuple(now),
            earlier=tuple(past.earlier),
            together=step["together"] or step["burst"],
            changed=past.changed,
            refused=past.refused,
            **changes,
            **found,
        )
        past.earlier += now
        return facts

    def _change(self, number: int, variant: Json, knobs: Json, past: "Past") -> Json:
        """Make the variant's change so many times at once, and return what Facts has to know.

        A change that the lab cannot make now (503) counts as refused.
        """
        path = f"{variant['url']}change/?{urlencode(knobs)}"

        def change() -> Json:
            try:
                answer = self.visitor.post(path, {"turn": self.token})
            except Refused as error:
                if error.status != HTTPStatus.SERVICE_UNAVAILABLE or number == 1:
                    raise
                return {}
            return server_timing.read(answer.headers.get("server-timing", ""))

        started = monotonic()
        timings = [change()] if number == 1 else in_threads(number, change)
        elapsed_ms = (monotonic() - started) * 1000
        taken = [timing for timing in timings if timing]
        past.changed += len(taken)
        past.refused += number - len(taken)
        found = {"errors": int(sum(timing["errors"] for timing in taken))}
        if number > 1:
            found["at_work"] = sum(timing["total"] for timing in taken) / elapsed_ms
        return found

    def _read_truth(self, knobs: Json) -> list[str]:
        """Return what the first variant that caches nothing says now; [] if nobody asks."""
        if self.story["truth"] != "first":
            return []
        promises = ((variant, variant["queries"]) for variant in self.experiment["variants"])
        uncached = next(variant for variant, of in promises if of["cold"] == of["warm"])
        return [self._ask_once(uncached, knobs).text]

    def _ask(self, step: Json, variant: Json, knobs: Json) -> tuple[StoryAnswer, ...]:
        """Return the answers to the requests of a step."""
        number = step["requests"]
        if not (step["together"] and isinstance(self.client, OverHTTP)):  # here is one worker only
            return tuple(self._ask_once(variant, knobs) for _ in range(number))
        return tuple(in_threads(number, lambda: self._ask_once(variant, knobs)))

    def _ask_once(self, variant: Json, knobs: Json) -> StoryAnswer:
        timing, answer = fetch_variant(self.visitor, variant, knobs)
        figures = {name: timing[name] for name in burst.FIGURES}
        return StoryAnswer(text=read_answer(answer.body), **figures)

    def _send_burst(self, number: int, variant: Json, knobs: Json) -> Json:
        """Return the answers of a burst and how wide it was, as Facts names them."""
        path = f"{variant['url']}?{urlencode(knobs)}"
        headers = {**clients.REQUEST_HEADERS, "Connection": "close"}
        client = self.client
        if isinstance(client, OverHTTP):
            found = burst.send_burst(number, burst.over_http(client.connect, path, headers))
        else:
            found = burst.send_burst(number, lambda: lambda: get_in_thread(client, path))
        if "failure" in found:
            raise PageFailed(found["failure"])
        answers = tuple(StoryAnswer(text="", **answer) for answer in found["answers"])
        return {**found, "answers": answers}


def get_in_thread(client: LabClient, path: str) -> tuple[int, str]:
    """Return status and `Server-Timing` of one answer, and leave no connection of this thread."""
    try:
        answer = client.get(path)
        return answer.status, answer.headers.get("server-timing", "")
    finally:
        connections.close_all()


def in_threads(number: int, ask: Callable[[], Found]) -> Sequence[Found]:
    """Return the answers of so many threads that ask at once. Raises what the first one raised."""
    answers: list[Found] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(ask())
        except (PageFailed, LabRefused, NoLab, Refused) as error:
            errors.append(error)
        finally:
            connections.close_all()  # of this thread, if the lab is in this process

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers


def read_answer(body: bytes) -> str:
    """Return the text of the page's element with `data-answer`; "" where there is none."""
    found = ANSWER.search(body.decode(errors="replace"))
    return unescape(TAG.sub("", found[2])).strip() if found else ""
