"""Invented names, titles, synopses and reviews. Synopses and reviews say that they are invented.

`random` is always a function that returns a number from 0 up to 1, such as `Random().random`.
"""

from movies.seeding import words

SYNOPSIS_LABEL = "Synthesised, not the film's real story:"
REVIEW_LABEL = "Synthesised:"

PEOPLE = len(words.FIRST_NAMES) * len(words.LAST_NAMES)

# A synopsis consists of a beginning, a middle and an end. They are made here once, and each film
# fills in its own names.
BEGINNINGS = [
    f"{SYNOPSIS_LABEL} {opening} {trouble}\n\n"
    for opening in words.OPENINGS
    for trouble in words.TROUBLES
]
MIDDLES = [
    "".join(f"{words.MIDDLES[(first + i * stride) % 18]} " for i in range(length))
    for first in range(18)
    for stride in (1, 5, 7, 11, 13, 17)  # none shares a factor with the number of sentences, 18
    for length in range(6)
]
ENDS = [f"{ending} {note}" for ending in words.ENDINGS for note in words.NOTES]


def pick(things, random):
    """Return one of the things."""
    return things[int(random() * len(things))]


def two(things, random):
    """Return two different things."""
    first = int(random() * len(things))
    return things[first], things[first - 1 - int(random() * (len(things) - 1))]


def person(number):
    """Return the name of an invented person. Each number gives another name."""
    variant, number = divmod(number, PEOPLE)
    number = number * 7919 % PEOPLE  # a prime, so that consecutive names have nothing in common
    surname, name = divmod(number, len(words.FIRST_NAMES))
    name, surname = words.FIRST_NAMES[name], words.LAST_NAMES[surname]
    if not variant:
        return f"{name} {surname}"
    second, initial = divmod(variant - 1, len(words.INITIALS))
    name = f"{name} {words.INITIALS[initial]}."
    return f"{name} {surname}-{words.LAST_NAMES[second - 1]}" if second else f"{name} {surname}"


def credit(number, random):
    """Return a directing credit: one person or, as for one real film in 24, two of a family."""
    name = person(number)
    if random() < 1 / 24:
        first, _, surname = name.partition(" ")
        return f"{name}, {pick([n for n in words.FIRST_NAMES if n != first], random)} {surname}"
    return name


def title(random):
    """Return a title."""
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
    """Return two labelled paragraphs, together 300 to 1,000 characters."""
    story = pick(BEGINNINGS, random) + pick(MIDDLES, random) + pick(ENDS, random)
    name, friend = two(words.FIRST_NAMES, random)
    place, other = two(words.PLACES, random)
    return story % {  # seeding spends most of its time here; format() would take twice as long
        "name": name,
        "friend": friend,
        "role": pick(words.ROLES, random),
        "place": place,
        "other": other,
        "thing": pick(words.THINGS, random),
        "month": pick(words.MONTHS, random),
    }


def pairs(beginnings, ends):
    """Return all reviews that consist of one of the beginnings and one of the ends."""
    return [f"{REVIEW_LABEL} {beginning} {end}" for beginning in beginnings for end in ends]


# The texts that a review may have, by its score from 1 to 10.
REVIEWS = [
    [],
    *[pairs(words.BAD, words.BAD_ENDS)] * 4,
    *[pairs(words.FAIR, words.FAIR_ENDS)] * 3,
    *[pairs(words.GOOD, words.GOOD_ENDS)] * 3,
]
