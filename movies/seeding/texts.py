"""Invented names, titles, synopses and reviews; what could be taken for a fact says that it is not."""

from movies.seeding import words

SYNOPSIS_LABEL = "Synthesised, not the film's real story:"
REVIEW_LABEL = "Synthesised:"

PEOPLE = len(words.FIRST_NAMES) * len(words.LAST_NAMES)


def pick(things, random):
    return things[int(random() * len(things))]


def person(number):
    """The name of the number-th invented person: no two share one."""
    with_surname, number = divmod(number, PEOPLE)
    number = number * 7919 % PEOPLE  # a prime step, so that neighbours have nothing in common
    surname, first = divmod(number, len(words.FIRST_NAMES))
    name, surname = words.FIRST_NAMES[first], words.LAST_NAMES[surname]
    if not with_surname:
        return f"{name} {surname}"
    second, initial = divmod(with_surname - 1, len(words.INITIALS))
    name = f"{name} {words.INITIALS[initial]}."
    return f"{name} {surname}-{words.LAST_NAMES[second - 1]}" if second else f"{name} {surname}"


def credit(number, random):
    """A directing credit: one person or, as for one real film in 24, siblings who work together."""
    name = person(number)
    if random() < 1 / 24:
        first, _, surname = name.partition(" ")
        return f"{name}, {pick([n for n in words.FIRST_NAMES if n != first], random)} {surname}"
    return name


def title(random):
    adjective = pick(words.ADJECTIVES, random)
    noun = pick(words.NOUNS, random)
    return pick(words.TITLES, random).format(
        a=adjective,
        aa=words.with_article(adjective),
        n=noun,
        an=words.with_article(noun),
        m=pick(words.NOUNS, random),
        p=pick(words.PLACES, random),
        f=pick(words.FIRST_NAMES, random),
        t=pick(words.TIMES, random),
    )


def two(things, random):
    """Two different ones."""
    first = int(random() * len(things))
    return things[first], things[first - 1 - int(random() * (len(things) - 1))]


def synopsis(random):
    """Two paragraphs after their label, 350 to 1,500 characters."""
    first = int(random() * len(words.MIDDLES))
    stride = pick((1, 5, 7, 11, 13, 17), random)  # none shares a factor with the 18 sentences
    story = " ".join(
        (
            SYNOPSIS_LABEL,
            pick(words.OPENINGS, random),
            f"{pick(words.TROUBLES, random)}\n\n{words.MIDDLES[first]}",
            *(words.MIDDLES[(first + stride * i) % 18] for i in range(1, int(random() * 8))),
            pick(words.ENDINGS, random),
            pick(words.NOTES, random),
        )
    )
    name, friend = two(words.FIRST_NAMES, random)
    place, other = two(words.PLACES, random)
    return story.format(
        name=name,
        friend=friend,
        role=pick(words.ROLES, random),
        place=place,
        other=other,
        thing=pick(words.THINGS, random),
        month=pick(words.MONTHS, random),
    )


def pairs(beginnings, ends):
    return [f"{REVIEW_LABEL} {beginning} {end}" for beginning in beginnings for end in ends]


# By score, 1 to 10: what a review with that score may say.
REVIEWS = [
    None,
    *[pairs(words.BAD, words.BAD_ENDS)] * 4,
    *[pairs(words.FAIR, words.FAIR_ENDS)] * 3,
    *[pairs(words.GOOD, words.GOOD_ENDS)] * 3,
]
