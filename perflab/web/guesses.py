"""The guess that comes before an experiment's answers, and who has made it.

The answers of an experiment stay covered until its guess is given or skipped. A cookie keeps that:
it holds the slugs of these experiments. So every page, and every instance of the lab, can tell
without JavaScript and without a store.
"""

from dataclasses import dataclass, replace

from django.conf import settings

from perflab.catalogue import knobs, registry

COOKIE = "perflab_guesses"
COOKIE_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Question:
    """One number that a learner guesses; `name` is that of the form's field."""

    name: str
    text: str  # {first} and {best} stand for the variants
    whole: bool = False  # a number of something, not a ratio


QUERIES = Question("count", "How many queries does {first} run?", whole=True)
CACHE_CALLS = Question("count", "How many cache calls does {first} make?", whole=True)
FASTER = Question("faster", "How many times faster than {first} is {best}?")
FEWER_BYTES = Question("ratio", "How many times fewer bytes than {first} does {best} send?")
LESS_MEMORY = Question("ratio", "How many times less memory than {first} does {best} take?")
LESS_CPU_TIME = Question("ratio", "How many times less CPU time than {first} does {best} need?")
# What is asked, by the figure in which the lesson shows itself. Where the lesson is who gets the
# right page, the form asks for variants instead of numbers.
QUESTIONS = {
    "queries": (QUERIES, FASTER),
    "cache_calls": (CACHE_CALLS, FASTER),
    "time": (FASTER,),
    "cpu_time": (LESS_CPU_TIME,),
    "bytes": (FEWER_BYTES,),
    "memory": (LESS_MEMORY,),
    "correctness": (),
}
# The same in a few words, for the contents.
SUBJECTS = {
    "queries": "how many queries",
    "cache_calls": "how many cache calls",
    "time": "how much faster",
    "cpu_time": "how much less CPU time",
    "bytes": "how many bytes fewer",
    "memory": "how much less memory",
    "correctness": "which of them goes wrong",
}


def questions(experiment):
    """Return what a learner is to guess about an experiment: its questions, with names in them."""
    others = experiment.ladder[1:]
    best = f"“{others[0].name}”" if len(others) == 1 else "the best of the others"
    names = {"first": f"“{experiment.slow.name}”", "best": best}
    return [
        replace(question, text=question.text.format(**names))
        for question in QUESTIONS[experiment.figure]
    ]


def made(request):
    """Return the slugs of the experiments whose guess this browser has given or skipped."""
    return set(request.COOKIES.get(COOKIE, "").split("."))


def made_or_asked(request, slugs):
    """Return the slugs like `made`, after what the address of a page about these slugs asks for.

    Raises BadKnob.
    """
    asked = knobs.read_guess(request.GET)
    if asked == "skip":
        return made(request) | set(slugs)
    return made(request) - set(slugs if asked == "again" else ())


def remember(request, response, slugs):
    """Let the browser keep these slugs as those whose guess was given or skipped."""
    if slugs == made(request):
        return
    response.set_cookie(
        COOKIE,
        ".".join(slug for slug in registry.experiments if slug in slugs),
        max_age=COOKIE_S,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
