"""A change that cached pages do not show: the time-out is a promise of how late they may be.

The page announces the film of the evening, and somebody changes it. What is cached knows nothing
of that: *timeout* shows the old film until its two seconds are over, and with a time-out of an
hour it would be the old film for an hour. Play the story and see who notices, and when.

*versioned* never asks for an old entry: the moment of the last change is part of the key, so
after a change the key is another one and the old entry is left to expire. It costs the small
query that reads the moment. *invalidated* spares that query too: whoever changes the film also
deletes the entry, after the change has been committed, since a page made in between would keep
the old film.

**When it matters.** As soon as somebody edits what is cached and looks whether it has worked.
First ask how late the page may be; if a minute is fine, a time-out is all that you need. Versions
fit where one cheap row tells that something has changed. Deleting fits where one place makes all
changes and knows every key; it is said to be one of the two hard things because soon it does not.
"""

from django.core.cache import cache
from django.db.models import Avg, Count
from django.shortcuts import render

from movies.models import Movie, Tonight
from perflab.catalogue.registry import Experiment, Queries, Step, StoryData, Variant

FRESH_S = 2  # short, so that a reader sees it pass
KEPT_S = 60  # where a change is noticed, an entry may live longer


def film_of(tonight):
    """The evening's film and what its reviewers say, {} where there is none: 1 query."""
    film = Movie.objects.filter(id=tonight.film_id).annotate(
        review_count=Count("reviews"), average_score=Avg("reviews__score")
    )
    facts = ("title", "year", "director__name", "review_count", "average_score")
    return film.values(*facts).first() or {}


def page(request, rows, film):
    """The film of the evening above a list that is read afresh every time: 1 query."""
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/tonight.html", {"film": film, "movies": movies})


def uncached(request, rows):
    # Expect 3 queries every time: which film it is, the film, then the list.
    return page(request, rows, film_of(Tonight.now()))


def timeout(request, rows):
    # Expect 3 queries while the film is not in the cache and 1, the list, when it is.
    film = cache.get("tonight")
    if film is None:
        film = film_of(Tonight.now())
        cache.set("tonight", film, FRESH_S)
    return page(request, rows, film)


def versioned(request, rows):
    # Expect 3 queries after a change, and 2 as long as nothing changes: which film, the list.
    tonight = Tonight.now()
    key = f"tonight:{tonight.changes}"
    film = cache.get(key)
    if film is None:
        film = film_of(tonight)
        cache.set(key, film, KEPT_S)
    return page(request, rows, film)


def invalidated(request, rows):
    # Expect 3 queries after a change, and 1, the list, as long as nothing changes.
    film = cache.get("tonight")
    if film is None:
        film = film_of(Tonight.now())
        cache.set("tonight", film, KEPT_S)
    return page(request, rows, film)


def change(request, rows):
    """Somebody changes the film, and thinks of no cache."""
    Tonight.change()


def change_and_delete(request, rows):
    """Somebody changes the film. The entry goes after the commit: not before it."""
    Tonight.change()
    cache.delete("tonight")


# What the story changes. It begins with the film that is announced, and ends with it.
TONIGHT = StoryData("tonight", read=lambda: Tonight.now().film_id, restore=Tonight.announce)

PAGE = {"queries": Queries(3), "templates": ("movies/tonight.html",)}


def changed_by(function):
    """What a variant says of the function that changes its film; its source is shown too."""
    return {"change": function, "also": (film_of, page, function)}


experiment = Experiment(
    title="The stale page",
    topic="A cache that helps little, or answers wrong",
    first_workshop=True,
    remedy="the entry that is deleted when it changes",
    cost="With versions a small query on every page. With deletion every place that changes the "
    "film has to know of the cache, and a request that had read the old film just before may "
    "still put it back: so keep a time-out as well.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#basic-usage",
    variants=(
        Variant("uncached", uncached, **PAGE, **changed_by(change)),
        Variant("timeout", timeout, **PAGE, **changed_by(change), warm=Queries(1)),
        Variant("versioned", versioned, **PAGE, **changed_by(change), warm=Queries(2)),
        Variant(
            "invalidated", invalidated, **PAGE, **changed_by(change_and_delete), warm=Queries(1)
        ),
    ),
    figure="correctness",
    truth="first",
    story_data=TONIGHT,
    story=(
        Step("Four visitors ask what is on tonight.", requests=4, together=True),
        Step(
            "The film of the evening is changed, and the four ask again.",
            requests=4,
            together=True,
            change=True,
        ),
        Step("Two and a half seconds later they ask again.", requests=4, together=True, wait_s=2.5),
        Step("One asks once more. How many queries does it take?", read="queries"),
    ),
)
