"""Files as no program of ours writes them: cut off, of other types, or no JSON at all."""

import copy
import json
import random

ODD = [
    *(None, {}, [], "", "x", True, False, 0, -1, 1, 0.5, 1e308, -1e308, 10**30, 10**400),
    *(float("nan"), float("inf"), "2026-01-01T00:00:00", "2026-01-01T00:00:00+00:00"),
    *("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+23:59", "é\ud800", "x" * 5000, "<b>"),
    *([None], [[]], [{}], {"x": None}, [1, "a", None], {"": {}}, [0] * 500),
]
WHOLE = ["", "{}", "[]", "null", "0", '""', "true", "[[[[", '{"a":', "NaN", "\0", "[" * 100_000]
BYTES = [b"\xff\xfe\x00", b"\x80abc", b"\x1f\x8b\x08\x00", bytes(range(256))]


def paths_in(value, path=()):
    """Yield the path of every value in a JSON value, as keys and indices."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, item in items:
        yield from paths_in(item, (*path, key))


def mutate(value, dice):
    """Return a JSON value with one to three of its values odd, missing or in another's place."""
    value = copy.deepcopy(value)
    for _ in range(dice.randint(1, 3)):
        *way, last = dice.choice([path for path in paths_in(value) if path] or [(None,)])
        if last is None:
            return copy.deepcopy(dice.choice(ODD))
        place = value
        for key in way:
            place = place[key]
        what = dice.random()
        if what < 0.2:
            del place[last]
        else:
            place[last] = copy.deepcopy(dice.choice(ODD))
    return value


def files_like(value, count, seed):
    """Yield (what it is, bytes) of so many malformed files in the place of a JSON value's file."""
    dice = random.Random(seed)
    text = json.dumps(value)
    for number, odd in enumerate(WHOLE):
        yield f"whole {number}", odd.encode()
    for number, odd in enumerate(BYTES):
        yield f"bytes {number}", odd
    for number in range(count):
        if dice.random() < 0.1:
            yield f"cut {number}", text[: dice.randrange(len(text))].encode()
        else:
            yield f"{number}", json.dumps(mutate(value, dice)).encode(errors="surrogatepass")
