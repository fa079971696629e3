"""What the view does not ask, and every page of the site pays for.

The view makes one query. The page makes six: middleware and context processors run on every page of
a site, also on pages that show nothing of what they fetch. In no view can it be seen, and no test
of a view finds it.

*eager* counts the visitor's pages in a session in the database. That is a SELECT and an UPDATE on
every page, and the UPDATE is a commit: whoever only reads the site writes into it all the time. A
second middleware fetches the film of the evening for a banner, and a context processor counts films
and reviews for a footer. *unwritten* only reads the session. *lazy* fetches nothing before somebody
looks: a `SimpleLazyObject` in the middleware, and in the context processor the function instead of
its result, which a template calls when it shows it. On this page nobody looks. *plain* is the same
view without any of it, for comparison.

The session lies in a table of the lab's own, with the code of Django's `db` backend. Clients that
measure keep no cookie, so they all have the same session, and its key is fixed.

**When it matters.** On every page. Look at the queries of your cheapest page, a static text or a
404: whatever it asks, all others ask too. Then make it lazy, or move it: a session into signed
cookies or `cached_db`, a banner into the cache, a count to where the rows change.
"""

from django.http import HttpResponse
from django.template import RequestContext
from django.template.loader import get_template

from movies import every_page
from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def eager(request, rows):
    # Expect 3 queries here, 2 of them in the context processor, and 3 in the middleware.
    return titles(request, rows, every_page.collection)


def unwritten(request, rows):
    # Expect 3 queries here, and 2 in the middleware.
    return titles(request, rows, every_page.collection)


def lazy(request, rows):
    # Expect 1 query. Nobody looks at the banner, the name or the numbers.
    return titles(request, rows, every_page.collection_lazily)


def plain(request, rows):
    # Expect 1 query.
    return titles(request, rows)


def titles(request, rows, *processors):
    """The page, with these context processors beside those of the settings."""
    movies = Movie.objects.only("title", "year").order_by("id")[:rows]
    context = RequestContext(request, {"movies": movies}, processors=processors)
    return HttpResponse(get_template("movies/titles.html").template.render(context))


def variant(view, queries, middleware=(), processor=None):
    """Return a variant with these middlewares, and the settings that put them around each page."""
    names = [f"movies.every_page.{one.__name__}" for one in middleware]
    lines = "".join(f'    "{name}",\n' for name in names)
    settings = f"MIDDLEWARE += [\n{lines}]\n" if names else ""
    if processor:
        settings += 'TEMPLATES[0]["OPTIONS"]["context_processors"] += [\n'
        settings += f'    "movies.every_page.{processor.__name__}",\n]\n'
    return Variant(
        view.__name__,
        view,
        Queries(queries),
        middleware=tuple(names),
        also=(titles, *middleware, *([processor] if processor else [])),
        templates=("movies/titles.html",),
        settings=settings,
        reference=view is plain,
    )


SESSION = every_page.session_in_database
EAGER = (SESSION, every_page.count_pages, every_page.banner)
UNWRITTEN = (SESSION, every_page.read_name, every_page.banner)
LAZY = (SESSION, every_page.read_name_lazily, every_page.banner_lazily)

experiment = Experiment(
    title="Every page",
    topic="Too many queries",
    remedy="laziness",
    cost="What is lazy is fetched later, in the template, where nobody expects a query; and a page "
    "that shows all of it makes all of the queries after all. A count of the visitor's pages needs "
    "another place: a log, or a queue.",
    docs="https://docs.djangoproject.com/en/5.2/topics/http/middleware/#writing-your-own-middleware",
    lesson=Setting(movies=10),
    variants=(
        variant(eager, 6, EAGER, every_page.collection),
        variant(unwritten, 5, UNWRITTEN, every_page.collection),
        variant(lazy, 1, LAZY, every_page.collection_lazily),
        variant(plain, 1),
    ),
)
