"""Hostile requests, drawn from a seed: all addresses and methods, odd heads and odd bodies.

They are bytes, since no client of HTTP would send them. `drafts.DISTORTIONS` holds the kinds of
what no client should send; the rest is drawn from the lists of `odd_words`.
"""

import random

from django.conf import settings
from django.urls import get_resolver
from django.urls.resolvers import URLResolver

from tests.support.drafts import DISTORTIONS, Draft
from tests.support.odd_words import (
    BODIES,
    FIELDS,
    HEADERS,
    KNOBS,
    METHODS,
    ODD,
    PLACES,
    SAMPLES,
)


def addresses(patterns=None, before=""):
    """Yield every route of the site, such as "experiments/<slug:slug>/"."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, route)
        else:
            yield route


def fill(route, dice):
    """Return the path of a route with something in each of its places."""
    path, rest = "/", route
    while "<" in rest:
        text, _, rest = rest.partition("<")
        place, _, rest = rest.partition(">")
        kind, _, name = place.rpartition(":")
        samples = SAMPLES.get(name) or SAMPLES.get(kind) or ["1", "x", "n-plus-one"]
        path += text + (dice.choice(samples) if dice.random() < 0.9 else dice.choice(ODD))
    return path + rest


def assignments(names, dice, counts):
    """Return some of these names with odd values, as a form or a query has them."""
    return "&".join(f"{dice.choice(names)}={dice.choice(ODD)}" for _ in range(dice.choice(counts)))


def send_form(draft, dice):
    """Make a draft a form with a valid token, so that it reaches the view."""
    token = "a" * 32
    draft.method, draft.body = "POST", assignments(FIELDS, dice, [1, 3, 8]).encode()
    draft.put("Cookie", f"{settings.CSRF_COOKIE_NAME}={token}")
    draft.put("X-CSRFToken", token)
    draft.put("Content-Type", "application/x-www-form-urlencoded")
    draft.put("Content-Length", str(len(draft.body)))


def request(routes, dice):
    """Return the bytes of one hostile request."""
    target = fill(dice.choice(routes), dice)
    if dice.random() < 0.1:
        target += dice.choice(PLACES)
    query = assignments(KNOBS, dice, [0, 0, 1, 1, 2, 4])
    draft = Draft(dice.choice(METHODS), target + ("?" + query if query else ""))
    draft.version = f"HTTP/1.{dice.choice('11110')}"
    draft.put("Host", "127.0.0.1")
    for name in dice.sample(list(HEADERS), dice.choice([0, 1, 1, 2, 3, 6])):
        draft.put(name, dice.choice(HEADERS[name]))
    if draft.method in ("POST", "PUT", "PATCH") or dice.random() < 0.05:
        draft.body = dice.choice(BODIES)
        for name, value in (
            ("Content-Type", dice.choice(HEADERS["Content-Type"])),
            ("Content-Length", str(len(draft.body))),
        ):
            if not any(one[0] == name for one in draft.headers):
                draft.put(name, value)
    if dice.random() < 0.1:
        send_form(draft, dice)
    for distort in dice.sample(DISTORTIONS, dice.choice([0, 0, 1, 1, 2])):
        distort(draft, dice)
    found = draft.encode("utf-8" if dice.random() < 0.5 else "latin-1")
    if dice.random() < 0.03:  # a byte of it is another
        place = dice.randrange(len(found))
        found = found[:place] + bytes([dice.randrange(256)]) + found[place + 1 :]
    if dice.random() < 0.03:  # the rest never comes
        found = found[: dice.randrange(len(found))]
    return found


def hostile_requests(count, seed):
    """Yield so many hostile requests, always the same for one seed."""
    dice = random.Random(seed)
    routes = sorted(addresses())
    for _ in range(count):
        yield request(routes, dice)
