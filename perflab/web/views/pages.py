"""The pages for readers: the contents, and an experiment's own page."""

import re
from functools import cache

from django.conf import settings
from django.db import connection
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from markdown_it import MarkdownIt

from perflab.access import can_inspect, is_local
from perflab.catalogue import knobs, registry
from perflab.catalogue.knobs import Knobs
from perflab.catalogue.query_count_test import write_query_count_test
from perflab.catalogue.sources import variant_sources
from perflab.compare import judgement, last_results

from .. import guesses
from ..errors import reads_only
from .lessons import describe_lesson, setting_of
from .lookup import collection_now, experiment_or_404
from .variants import describe_needs

prose = MarkdownIt("commonmark", {"html": False})  # html=False escapes


@cache
def inline(text):
    """Return a sentence of an experiment as HTML."""
    return mark_safe(prose.renderInline(text))


@cache
def paragraphs(text):
    """Return the explanation of an experiment as HTML."""
    return mark_safe(prose.render(text))


@reads_only
def contents(request):
    """Show the table of contents, in the article's three acts.

    `show=first` shows only the experiments that a first workshop needs.
    """
    shows_first = request.GET.get("show") == "first"
    guessed = guesses.made_or_asked(request, registry.experiments)
    topics = {topic: [] for topic in registry.TOPICS}
    for experiment in registry.experiments.values():
        if shows_first and not experiment.first_workshop:
            continue
        summary = inline(experiment.summary)
        is_covered = experiment.runs_here and experiment.slug not in guessed
        last = None if is_covered else last_results.read(experiment.slug)
        to_guess = guesses.SUBJECTS[experiment.figure] if is_covered else ""
        topics[experiment.topic].append((experiment, summary, last, to_guess))
    context = {
        "topics": {topic: cards for topic, cards in topics.items() if cards},
        "shows_first": shows_first,
        "caches": settings.LAB_CACHES,
        "control_socket": "" if settings.PUBLIC else settings.CONTROL_SOCKET,
    }
    response = render(request, "perflab/contents.html", context)
    guesses.remember(request, response, guessed)
    return response


@reads_only
def comparison(request, slug):
    """Show an experiment's page: its variants next to each other, each in a frame."""
    experiment = experiment_or_404(slug)
    chosen = Knobs.read(request.GET, experiment.knobs)
    runs = knobs.read_runs(request.GET)
    guessed = guesses.made_or_asked(request, [slug])
    chosen.refuse_if_too_slow(max(v.queries.at(chosen.movies) for v in experiment.variants))
    found = collection_now()
    most = found.most_rows(experiment) if found else None
    setting = setting_of(experiment, found)
    chosen = Knobs.read(request.GET, experiment.knobs, most, experiment.rows, setting)
    frames_inspect = request.GET.get("frames") == "inspect"
    sources = variant_sources(experiment.slug, experiment.variants)
    ladder = experiment.ladder
    framed = ladder if len(ladder) < 4 else (experiment.slow, experiment.fast)
    lanes = []
    for variant in experiment.variants:
        url = reverse("variant", args=[slug, variant.name])
        path = f"{url}?{chosen.query_string()}"
        lanes.append(
            {
                "variant": variant,
                "title": re.sub("[-_]", " ", variant.name).capitalize(),
                "url": url,
                "path": path,
                "frame": path + ("&inspect=1" if frames_inspect else ""),
                "address": request.build_absolute_uri(path),
                "cold": variant.queries.at(chosen.movies),
                "warm": variant.promise(warm=True).at(chosen.movies),
                "sources": sources[variant.name],
                "framed": variant in framed,
                "is_fast": variant is experiment.fast,
            }
        )
    context = {
        "experiment": experiment,
        "explanation": paragraphs(experiment.explanation),
        "summary": inline(experiment.summary),
        "cost": inline(experiment.cost),
        "lanes": lanes,
        "knobs": chosen,
        "runs": runs,
        "covered": experiment.runs_here and slug not in guessed,
        "questions": guesses.questions(experiment),
        "skips_guess": request.GET.get("guess") == "skip",
        "judgement_words": judgement.WORDS,
        "limits": knobs.describe_knobs(most),
        "min_runs": knobs.MIN_RUNS,
        "max_runs": knobs.MAX_RUNS,
        "is_local": is_local(request),
        "query_count_test": write_query_count_test(experiment),
        "frames_inspect": frames_inspect,
        "can_inspect": can_inspect(request),
        "vendor": connection.vendor,
        "act": registry.ACTS[experiment.act],
        "needs": "" if experiment.runs_here else describe_needs(experiment),
        "truth": registry.TRUTHS.get(experiment.truth, ""),
        "can_play": is_local(request) or not any(variant.change for variant in experiment.variants),
        "own_knobs": [(knob, chosen.own[knob.name]) for knob in experiment.knobs],
        "collection": found,
        "can_run": experiment.runs_here and most != 0,
        **describe_lesson(request, experiment, chosen, found),
        **_neighbours(slug),
    }
    response = render(request, "perflab/comparison.html", context)
    guesses.remember(request, response, guessed)
    return response


def _neighbours(slug):
    """Return the experiment before and the one after, for a reader who goes through them."""
    ordered = list(registry.experiments.values())
    position = [experiment.slug for experiment in ordered].index(slug)
    return {
        "previous": ordered[position - 1] if position else None,
        "next": ordered[position + 1] if position + 1 < len(ordered) else None,
    }
