"""A form with a list of all directors: the page is large and slow, and one of them is wanted.

`FilmForm` is a plain `ModelForm`. For a foreign key Django makes a `<select>`, and the select holds
an `<option>` for every row of the other table. Each is fetched, made into a `Director`, and
rendered by a small template of its own. That is one query, and it is not the query that takes the
time. The form grows with the directors, on a page that edits one film.

*Values* takes the choices from `values_list`, as pairs of key and name. No `Director` is made. All
options are still rendered and sent.

*Chosen* offers the director that the film has and no other. So does the admin with
`autocomplete_fields = ["director"]`: whoever wants another one types, and a small view answers with
the first matches. *Number* is what the admin makes of `raw_id_fields = ["director"]`: the key, as a
number. What is posted is checked all the same: the form's field and the model's foreign key each
ask for that one director.

**When it matters.** Each foreign key to a table that grows: users, customers, products. It comes by
itself in the admin, in filters above lists, and once more for each row of a formset. The admin's
list of films has another trap. A foreign key in `list_display` is joined by itself (before Django
6.1 only if it may not be NULL). But a method that names a relation, or a `__str__` that does, asks
for each row, unless `list_select_related` joins the relation.
"""

from django import forms
from django.shortcuts import render

from movies.models import Director, Movie
from perflab.catalogue.registry import Experiment, Queries, Variant


class FilmForm(forms.ModelForm):
    director = forms.ModelChoiceField(Director.objects.order_by("id"), empty_label="Choose one")

    class Meta:
        model = Movie
        fields = ("title", "year", "director")


def last_films(rows):
    """Return the films that were entered last, with their directors: 1 query."""
    return list(Movie.objects.select_related("director").order_by("-id")[:rows])


def select(request, rows):
    # Expect 2 queries: the films and, in the template, all directors.
    movies = last_films(rows)
    form = FilmForm(instance=movies[0])
    return render(request, "movies/film_form.html", {"movies": movies, "form": form})


def values(request, rows):
    # Expect 2 queries: the films, then the keys and names of all directors.
    movies = last_films(rows)
    form = FilmForm(instance=movies[0])
    directors = Director.objects.order_by("id").values_list("id", "name")
    form.fields["director"].choices = [("", "Choose one"), *directors]
    return render(request, "movies/film_form.html", {"movies": movies, "form": form})


def chosen(request, rows):
    # Expect 2 queries: the films and, in the template, the director of the one.
    movies = last_films(rows)
    form = FilmForm(instance=movies[0])
    form.fields["director"].queryset = Director.objects.filter(pk=movies[0].director_id)
    return render(request, "movies/film_form.html", {"movies": movies, "form": form})


def number(request, rows):
    # Expect 1 query: the films. The form shows the key that the film holds.
    movies = last_films(rows)
    form = FilmForm(instance=movies[0])
    form.fields["director"].widget = forms.NumberInput()
    return render(request, "movies/film_form.html", {"movies": movies, "form": form})


ALSO = {"also": (FilmForm, last_films), "templates": ("movies/film_form.html",)}

experiment = Experiment(
    title="A list to choose from",
    topic="Slow Python, large answers",
    remedy="leaving the list out",
    figure="time",
    cost="Nobody knows a director by number. So the form needs a way to search: a view that "
    "answers with matches, a script that asks it, and a rule for who may see all the names.",
    docs="https://docs.djangoproject.com/en/5.2/ref/contrib/admin/"
    "#django.contrib.admin.ModelAdmin.autocomplete_fields",
    variants=(
        Variant("select", select, Queries(2), **ALSO),
        Variant("values", values, Queries(2), **ALSO),
        Variant(
            "chosen",
            chosen,
            Queries(2),
            **ALSO,
            differs="This page's list holds the film's own director and no other.",
        ),
        Variant(
            "number",
            number,
            Queries(1),
            **ALSO,
            differs="This page has a field for the director's number where the list was.",
        ),
    ),
)
