"""Invented screenplays: rows with a really long column. A migration writes them, once."""

from random import Random

from movies.seeding import texts

SCREENPLAYS = 120
FEWEST_PAGES, MOST_PAGES = 30, 60
SCENES = 2  # on a page, of 300 to 1,000 characters each


def screenplays():
    """Yield the title, year, number of pages and text of each screenplay; always the same."""
    random = Random(1).random
    for number in range(SCREENPLAYS):
        pages = FEWEST_PAGES + int(random() * (MOST_PAGES - FEWEST_PAGES + 1))
        text = "\f".join(page(random) for _ in range(pages))  # \f begins a new page
        yield texts.title(random), 1946 + number % 79, pages, text


def page(random):
    """Return the text of one page."""
    return "\n\n".join(texts.synopsis(random) for _ in range(SCENES))
