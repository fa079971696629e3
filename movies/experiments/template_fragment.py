"""A page with a personal part cannot be cached whole: cache the part that is the same for all.

The page greets its visitor by name ([say yours](/visitor/) and look), so `cache_page` would be
wrong here. But the list below the greeting is the same for everybody, and it is what costs. The
fast template puts `{% cache 60 programme movies_shown %}` around the list and leaves the
greeting outside.

The view hands over a *lazy* queryset. It is evaluated by the loop in the template, and the loop
lies inside the cache tag: when the fragment is found in the cache, the loop does not run and
neither do its queries.

**The key.** The name and the values after `cache 60` form the key, and nothing else does. So
whatever changes the fragment has to be among them, or a page is shown another page's list. The
language is not in the key by itself. On a site with several languages write `{% load i18n %}` and
`{% get_current_language as LANGUAGE_CODE %}` before the tag and `LANGUAGE_CODE` among the values,
or a visitor reads the list in somebody else's language.

To delete the fragment when a film changes, make the same key in Python:
`cache.delete(make_template_fragment_key("programme", [rows]))`, from `django.core.cache.utils`.

**When it matters.** Nearly every site with a login: navigation bar and basket are personal, the
rest is not.
"""

from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Variant


def slow(request, rows):
    # Expect 2 queries every time: the films with their directors, then the countries.
    movies = Movie.objects.select_related("director").prefetch_related("countries")
    context = {
        "visitor": request.session.get("visitor", "guest"),
        "movies": movies.order_by("id")[:rows],
    }
    return render(request, "movies/greeting_uncached.html", context)


def fast(request, rows):
    # Expect 2 queries while the fragment is not in the cache, and none when it is.
    movies = Movie.objects.select_related("director").prefetch_related("countries")
    context = {
        "visitor": request.session.get("visitor", "guest"),
        "movies": movies.order_by("id")[:rows],
        "movies_shown": rows,
    }
    return render(request, "movies/greeting_cached.html", context)


experiment = Experiment(
    title="Cache a template fragment",
    topic="The same work at every visit",
    first_workshop=True,
    remedy="the cached fragment",
    cost="Staleness of the fragment, up to 60 s; and care with its key, which has to name "
    "everything that the fragment depends on.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#template-fragment-caching",
    variants=(
        Variant(
            "slow",
            slow,
            Queries(2),
            templates=("movies/greeting_uncached.html", "movies/programme_list.html"),
        ),
        Variant(
            "fast",
            fast,
            Queries(2),
            warm=Queries(0),
            templates=("movies/greeting_cached.html", "movies/programme_list.html"),
        ),
    ),
)
