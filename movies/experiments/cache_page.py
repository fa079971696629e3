"""The fastest code is code that does not run: keep the whole page for a minute.

Both views make the same page with the same two queries; nothing is wrong with the slow one. But
the page is read often, is not cheap to make, and need not change from one second to the next.
So the fast view is wrapped in `cache_page(60)`: the first visitor pays for the page, and for
sixty seconds every other one is handed the stored copy. No query is run, and no template is
rendered. The decorator files the page under its address, query string included, so every
combination of parameters is a page of its own.

**Browsers keep it too.** `cache_page` also sends `Cache-Control: max-age=60` and `Expires`. So each
browser, and each CDN in between, may keep the page for a minute as well. You cannot delete those
copies: empty the cache on the server, and whoever has the page still reads the old one. Put
`@cache_control(max_age=0)` above `@cache_page(60)` if only the server is to keep it.

**A page with a form goes wrong.** A form holds a CSRF token, and the token belongs to a cookie of
the visitor. `CsrfViewMiddleware` sets that cookie when the page has left the decorator, so the copy
holds the first visitor's token and no cookie. The second visitor's form is answered with 403. Write
`@csrf_protect` between `@cache_page(60)` and the view: the cookie is now set inside, and Django
keeps no page that sets a cookie and varies by it. The form works again, and the page is made anew
for everybody. If its list is expensive, cache the list, not the page. Try it in two browsers:
[the form that is only cached](/forms/cached/), and [the one that is protected](/forms/protected/).

**When it matters.** Pages that are read often, and on which nothing is personal and nothing can be
sent: news, catalogues, home pages.
"""

from django.shortcuts import render
from django.views.decorators.cache import cache_page

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Variant


def slow(request, rows):
    # Expect 2 queries every time: the films with their directors, then the countries.
    movies = Movie.objects.select_related("director").prefetch_related("countries")
    return render(request, "movies/programme.html", {"movies": movies.order_by("id")[:rows]})


@cache_page(60)
def fast(request, rows):
    # Expect 2 queries for the first visitor of each minute and none for the others.
    movies = Movie.objects.select_related("director").prefetch_related("countries")
    return render(request, "movies/programme.html", {"movies": movies.order_by("id")[:rows]})


experiment = Experiment(
    title="Cache a whole page",
    topic="The same work at every visit",
    first_workshop=True,
    remedy="the page cache",
    cost="A change shows late: up to 60 s on the server, and then up to 60 s in a browser. Each "
    "address takes memory in the cache. And a page that greets its visitor would greet everybody "
    "with the first one's name.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#the-per-view-cache",
    variants=(
        Variant("slow", slow, Queries(2), templates=("movies/programme_list.html",)),
        Variant(
            "fast",
            fast,
            Queries(2),
            warm=Queries(0),
            templates=("movies/programme_list.html",),
        ),
    ),
)
