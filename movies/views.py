"""The plain movie site, which is no experiment: the list of films, a film, a director."""

from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage, Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from movies import polls
from movies.experiments import lost_update
from movies.forms import VisitorForm
from movies.models import Director, Movie
from movies.search import films_with
from movies.seeding.rows import known_countries
from perflab.access import is_local
from perflab.web.errors import error_page, reads_only

FILMS_ON_A_PAGE = 50
REVIEWS_SHOWN = 50
VOTERS_PAUSE_MS = 2000  # long enough to vote in two browsers by hand


@reads_only
def films(request):
    """Show all films by year, or those whose title or director contains the words of `?q=`."""
    words = request.GET.get("q", "").strip()
    if len(words) > 100 or "\0" in words:
        return error_page(
            request, 400, "The lab cannot search for that", "Up to 100 plain characters, please."
        )
    movies = films_with(words) if words else Movie.objects.all()
    movies = movies.select_related("director").order_by("year", "id")
    # Expect 2 queries: the number of films, then the films of this page with their directors.
    paginator = Paginator(movies, FILMS_ON_A_PAGE)
    try:
        page = paginator.page(request.GET.get("page", "1"))
    except InvalidPage:
        last = paginator.num_pages
        return error_page(request, 404, "There is no such page", f"Pages go from 1 to {last:,}.")
    return render(request, "movies/films.html", {"page": page, "words": words})


@reads_only
def film(request, pk):
    """Show a film with its countries and its first reviews."""
    # Expect 3 queries: the film with its director, its countries, its reviews.
    movie = get_object_or_404(Movie.objects.select_related("director"), pk=pk)
    reviews = movie.reviews.order_by("id")[:REVIEWS_SHOWN]
    is_known = movie.imdb_id in known_countries()  # IMDb's dumps do not hold the countries
    context = {"movie": movie, "reviews": reviews, "countries_are_known": is_known}
    return render(request, "movies/film.html", context)


@reads_only
def director(request, pk):
    """Show a director's films, oldest first."""
    # Expect 2 queries: the director, then the films.
    person = get_object_or_404(Director, pk=pk)
    movies = person.movies.order_by("year", "id")
    return render(request, "movies/director.html", {"director": person, "movies": movies})


@require_http_methods(["GET", "HEAD", "POST"])
def visitor(request):
    """Ask for the visitor's name, which some experiments show, and keep it in a signed cookie."""
    form = VisitorForm(request.POST or None, initial={"name": request.session.get("visitor", "")})
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["name"]:
            request.session["visitor"] = form.cleaned_data["name"]
        else:
            request.session.pop("visitor", None)
        return redirect("visitor")
    status = 400 if form.is_bound else 200
    return render(request, "movies/visitor.html", {"form": form}, status=status)


@cache_page(60)
@require_http_methods(["GET", "HEAD", "POST"])
def cached_form(request):
    """Show a form that two browsers try in turn, for the lesson on `cache_page`. It keeps nothing.

    The copy in the cache holds the first browser's CSRF token, so the second one gets a 403.
    """
    return render(request, "movies/two_browsers.html", {"protected": False})


@cache_page(60)
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def protected_form(request):
    """Show the same form, whose cookie is set inside `cache_page`: each browser may send it."""
    return render(request, "movies/two_browsers.html", {"protected": True})


@require_http_methods(["GET", "HEAD", "POST"])
def vote(request, name):
    """Let two browsers vote by hand in one poll, as a variant of the lost update does."""
    ways = {variant.name: variant.also[0] for variant in lost_update.experiment.variants}
    if name not in ways:
        raise Http404(f"Nobody votes by {name}")
    before = polls.count_votes(polls.BY_HAND)
    if request.method == "POST":
        if not is_local(request):
            raise PermissionDenied("Only a visitor on the lab's own machine may vote.")
        polls.vote_in_shared_poll(polls.BY_HAND, ways[name], VOTERS_PAUSE_MS)
    votes = polls.count_votes(polls.BY_HAND)
    context = {"name": name, "names": list(ways), "before": before, "votes": votes}
    return render(request, "movies/vote_by_hand.html", context)
