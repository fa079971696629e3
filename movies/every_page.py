"""What a site does on every page: a session in the database, a banner, numbers for the footer."""

from contextlib import suppress
from datetime import timedelta

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import CreateError
from django.utils.functional import SimpleLazyObject

from movies.models import Movie, Review, Tonight, VisitorSession

KEY = "the-visitor-of-every-page"


class SessionStore(db.SessionStore):
    """Django's session in the database, of one visitor, in a table of the lab's own.

    Clients that measure keep no cookie, so all of them are the same visitor.
    """

    @classmethod
    def get_model_class(cls):
        return VisitorSession

    def get_session_cookie_age(self):
        return int(timedelta(days=3650).total_seconds())

    def create(self):
        self._session_key = KEY
        with suppress(CreateError):  # another request has just made it
            self.save(must_create=True)


def session_in_database(get_response):
    """Read and write the session as Django's SessionMiddleware does with its own table."""

    def middleware(request):
        outer = getattr(request, "session", None)
        request.session = SessionStore(KEY)
        try:
            response = get_response(request)
            if request.session.modified:
                request.session.save()
            return response
        finally:
            request.session = outer

    return middleware


def count_pages(get_response):
    """Count in the session how many pages the visitor has seen: the session is read and written."""

    def middleware(request):
        request.session["pages"] = request.session.get("pages", 0) + 1
        return get_response(request)

    return middleware


def read_name(get_response):
    """Look in the session who the visitor is: the session is read."""

    def middleware(request):
        request.visitor = request.session.get("visitor", "guest")
        return get_response(request)

    return middleware


def read_name_lazily(get_response):
    """The same, as soon as somebody asks who the visitor is."""

    def middleware(request):
        request.visitor = SimpleLazyObject(lambda: request.session.get("visitor", "guest"))
        return get_response(request)

    return middleware


def banner(get_response):
    """Fetch the film of the evening, in case the page announces it: 1 query."""

    def middleware(request):
        request.tonight = Tonight.now()
        return get_response(request)

    return middleware


def banner_lazily(get_response):
    """The same, as soon as somebody looks at it."""

    def middleware(request):
        request.tonight = SimpleLazyObject(Tonight.now)
        return get_response(request)

    return middleware


def collection(request):
    """Count films and reviews, in case the template shows the numbers: 2 queries."""
    return {"films": Movie.objects.count(), "reviews": Review.objects.count()}


def collection_lazily(request):
    """The same, without the brackets: a template calls what it shows."""
    return {"films": Movie.objects.count, "reviews": Review.objects.count}
