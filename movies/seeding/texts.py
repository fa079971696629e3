"""Invented names, titles, synopses and reviews; where one could be taken for a fact, it says so.

`random` is everywhere a function that returns a number from 0 up to 1, as `Random().random`.
"""

from movies.seeding import words

SYNOPSIS_LABEL = "Synthesised, not the film's real story:"
REVIEW_LABEL = "Synthesised:"

PEOPLE = len(words.FIRST_NAMES) * len(words.LAST_NAMES)

# A synopsis is a beginning, a middle and an end, put together here once and filled in film by film.
BEGINNINGS = [
    f"{SYNOPSIS_LABEL} {opening} {trouble}\n\n"
    for opening in words.OPENINGS
    for trouble in words.TROUBLES
]
MIDDLES = [
    "".join(f"{words.MIDDLES[(first + i * stride) % 18]} " for i in range(length))
    for first in range(18)
    for stride in (1, 5, 7, 11, 13, 17)  # none shares a factor with the 18 sentences there are
    for length in range(6)
]
ENDS = [f"{ending} {note}" for ending in words.ENDINGS for note in words.NOTES]


def pick(things, random):
    return things[int(random() * len(things))]


def two(things, random):
    """Two different ones."""
    first = int(random() * len(things))
    return things[first], things[first - 1 - int(random() * (len(things) - 1))]


def person(number):
    """The name of the number-th invented person: no two share one."""
    variant, number = divmod(number, PEOPLE)
    number = number * 7919 % PEOPLE  # a prime step, so that neighbours have nothing in common
    surname, name = divmod(number, len(words.FIRST_NAMES))
    name, surname = words.FIRST_NAMES[name], words.LAST_NAMES[surname]
    if not variant:
        return f"{name} {surname}"
    second, initial = divmod(variant - 1, len(words.INITIALS))
    name = f"{name} {words.INITIALS[initial]}."
    return f"{name} {surname}-{words.LAST_NAMES[second - 1]}" if second else f"{name} {surname}"


def credit(number, random):
    """A directing credit: one person or, as for one real film in 24, two of a family."""
    name = person(number)
    if random() < 1 / 24:
        first, _, surname = name.partition(" ")
        return f"{name}, {pick([n for n in words.FIRST_NAMES if n != first], random)} {surname}"
    return name


def title(random):
    adjective = pick(words.ADJECTIVES, random)
    noun, other = two(words.NOUNS, random)
    return pick(words.TITLES, random) % {
        "a": adjective,
        "aa": words.WITH_ARTICLE[adjective],
        "n": noun,
        "an": words.WITH_ARTICLE[noun],
        "m": other,
        "p": pick(words.PLACES, random),
        "f": pick(words.FIRST_NAMES, random),
        "t": pick(words.TIMES, random),
    }


def synopsis(random):
    """Two labelled paragraphs, together 300 to 1,000 characters."""
    story = pick(BEGINNINGS, random) + pick(MIDDLES, random) + pick(ENDS, random)
    name, friend = two(words.FIRST_NAMES, random)
    place, other = two(words.PLACES, random)
    return story % {  # the costliest line of all, and with format() twice as costly
        "name": name,
        "friend": friend,
        "role": pick(words.ROLES, random),
        "place": place,
        "other": other,
        "thing": pick(words.THINGS, random),
        "month": pick(words.MONTHS, random),
    }


def pairs(beginnings, ends):
    return [f"{REVIEW_LABEL} {beginning} {end}" for beginning in beginnings for end in ends]


# What a review may say, by its score from 1 to 10.
REVIEWS = [
    [],
    *[pairs(words.BAD, words.BAD_ENDS)] * 4,
    *[pairs(words.FAIR, words.FAIR_ENDS)] * 3,
    *[pairs(words.GOOD, words.GOOD_ENDS)] * 3,
]
