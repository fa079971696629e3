"""Whether a lesson shows where it is said to: measured at its own setting, in its own figure.

`manage.py verify --lessons` calls it, and so do the tests.
"""

from dataclasses import dataclass
from typing import Any

from perflab.measure.stats import format_ratio

from .clients import LabClient
from .figures import FIGURES, conclude, format_value, ladder_of
from .runner import measure_experiment
from .story import NoStory, play_story

Json = dict[str, Any]  # an experiment of /experiments.json, or its result
LEAST_RATIO = 1  # which the interval of a time must not hold


@dataclass(frozen=True)
class LessonCheck:
    """What was found at a lesson's setting."""

    shows: bool | None  # None where it could not be measured
    words: str  # the figures, in one line


def check_lesson(client: LabClient, experiment: Json, runs: int) -> LessonCheck:
    """Measure an experiment at its lesson's setting, and return whether its figure differs there.

    It has to differ in the right direction: some variant is better than the first one, of times
    beyond the interval of their ratio. Raises what the runner raises.
    """
    lesson = experiment["lesson"]
    if lesson["films"] > lesson["films_there"]:
        films = lesson["films"]
        return LessonCheck(None, f"needs {films:,} films: manage.py seed --movies {films}")
    rows, most = lesson["knobs"]["movies"], experiment["most_rows"]
    if most is not None and most < rows:
        return LessonCheck(None, f"needs {rows:,} {experiment['rows']}, and there are {most:,}")
    if experiment["figure"] == "correctness":
        return check_story(client, experiment, lesson["knobs"])
    result = measure_experiment(client, experiment, lesson["knobs"], runs, cold=False)
    if result["not_judged"]:
        return LessonCheck(False, f"not judged. {result['not_judged'][0]['what']}")
    return judge_lesson(experiment["figure"], result)


def judge_lesson(figure: str, result: Json) -> LessonCheck:
    """Return whether a result shows a difference in a figure, in the right direction."""
    ladder = ladder_of({"figure": figure, **result})
    found = conclude(figure, ladder)
    values = {one.name: one.value for one in ladder}
    first, best = values[found.first], values[found.best]
    ratio = found.ratio
    times = (
        f"time ratio {format_ratio(ratio.value)} "
        f"({format_ratio(ratio.low)} to {format_ratio(ratio.high)})"
    )
    if first is None or best is None:
        return LessonCheck(None, f"{figure} is not known; {times}")
    if figure == "time":
        shows = found.best != found.first and ratio.low > LEAST_RATIO
    else:
        shows = first > FIGURES[figure].nearly * best
    said = f"{found.first} {format_value(figure, first)}, {found.best} {format_value(figure, best)}"
    return LessonCheck(shows, f"{said}; {times}")


def check_story(client: LabClient, experiment: Json, knobs: Json) -> LessonCheck:
    """Play a lesson's story, and return whether some variant is wrong and another one right."""
    try:
        story = play_story(client, experiment, knobs)
    except NoStory as reason:
        return LessonCheck(None, str(reason))
    words = "; ".join(f"{verdict.name}: {verdict.words}" for verdict in story.verdicts)
    rights = {verdict.right for verdict in story.verdicts}
    return LessonCheck(None if None in rights else rights == {True, False}, words)
