"""A change that cached pages do not show: the time-out is a promise of how late they may be.

The page announces the film of the evening, and somebody changes it. The cache does not notice.
*timeout* shows the old film until its two seconds are over; with a time-out of an hour it would be
the old film for an hour. Play the story and see which variant shows the change, and when.

*versioned* never asks for an old entry. The row that says which film it is also counts how often it
was changed, and that number is part of the key. After a change the key is a new one, and the old
entry is left to expire. This costs the small query that reads the number.

*invalidated* saves that query too: whoever changes the film also deletes the entry. It has to
happen after the commit. With `ATOMIC_REQUESTS`, or inside `atomic()`, the view's own statements run
before the commit. If the view deletes the entry there, another visitor can find it missing, read
the film that is still the old one, and put it back for as long as the time-out.
`transaction.on_commit` calls the deletion after the commit. Outside of a transaction it calls it at
once. The cache has to be one that all workers share: in local memory the worker that deletes an
entry deletes its own, and the others keep theirs.

Django's own versions are something else: `cache.incr_version("tonight")` moves one entry to its
next version, and `cache.get("tonight")` misses it from then on, as if it were deleted. Only
`cache.get("tonight", version=2)` finds it.

**When it matters.** As soon as somebody edits what is cached and looks whether it has worked.
First ask how late the page may be; if a minute is fine, a time-out is all that you need. Versions
fit where one cheap row tells that something has changed. Deletion fits where one function makes all
the changes and knows every key. Few sites stay that simple: a second place that changes the film,
or a second page that shows it, is easily forgotten.
"""

from functools import partial

from django.core.cache import cache
from django.db import transaction
from django.db.models import Avg, Count
from django.shortcuts import render

from movies.models import Movie, Review, Tonight
from perflab.catalogue.registry import Experiment, Queries, Step, StoryData, Variant

FRESH_S = 2  # short, so that a reader sees it pass
KEPT_S = 60  # where a change is noticed, an entry may live longer


def film_of(tonight):
    """The evening's film and its place by the number of its reviews, {} without one: 2 queries."""
    facts = ("title", "year", "director__name", "review_count", "average_score")
    film = Movie.objects.filter(id=tonight.film_id).annotate(
        review_count=Count("reviews"), average_score=Avg("reviews__score")
    )
    film = film.values(*facts).first()
    if not film:
        return {}
    # The database counts the reviews of every film: this is what makes the block dear.
    counts = Review.objects.values("movie_id").annotate(review_count=Count("id"))
    more = counts.filter(review_count__gt=film["review_count"]).count()
    return {**film, "place": more + 1}


def page(request, rows, film):
    """The film of the evening above a list that is read afresh every time: 1 query."""
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/tonight.html", {"film": film, "movies": movies})


def uncached(request, rows):
    # Expect 4 queries every time: which film it is, the film, its place, then the list.
    return page(request, rows, film_of(Tonight.now()))


def timeout(request, rows):
    # Expect 4 queries while the film is not in the cache and 1, the list, when it is.
    film = cache.get("tonight")
    if film is None:
        film = film_of(Tonight.now())
        cache.set("tonight", film, FRESH_S)
    return page(request, rows, film)


def versioned(request, rows):
    # Expect 4 queries after a change, and 2 as long as nothing changes: which film, the list.
    tonight = Tonight.now()
    key = f"tonight:{tonight.changes}"
    film = cache.get(key)
    if film is None:
        film = film_of(tonight)
        cache.set(key, film, KEPT_S)
    return page(request, rows, film)


def invalidated(request, rows):
    # Expect 4 queries after a change, and 1, the list, as long as nothing changes.
    film = cache.get("tonight")
    if film is None:
        film = film_of(Tonight.now())
        cache.set("tonight", film, KEPT_S)
    return page(request, rows, film)


def change(request, rows):
    """Somebody changes the film, and thinks of no cache."""
    Tonight.change()


def change_and_delete(request, rows):
    """Somebody changes the film. The entry is deleted after the commit, not before it."""
    Tonight.change()
    transaction.on_commit(partial(cache.delete, "tonight"))


# What the story changes. It begins with the film that is announced, and ends with it.
TONIGHT = StoryData("tonight", read=lambda: Tonight.now().film_id, restore=Tonight.announce)

SHARED_BY_ALL = """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:6379/1",
    },
}
"""

PAGE = {"queries": Queries(4), "templates": ("movies/tonight.html",)}


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
    docs="https://docs.djangoproject.com/en/5.2/topics/db/transactions/"
    "#performing-actions-after-commit",
    variants=(
        Variant("uncached", uncached, **PAGE, **changed_by(change)),
        Variant("timeout", timeout, **PAGE, **changed_by(change), warm=Queries(1)),
        Variant("versioned", versioned, **PAGE, **changed_by(change), warm=Queries(2)),
        Variant(
            "invalidated",
            invalidated,
            **PAGE,
            **changed_by(change_and_delete),
            warm=Queries(1),
            settings=SHARED_BY_ALL,
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
