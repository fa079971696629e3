from django.apps import AppConfig


class MoviesConfig(AppConfig):
    """The subject: films, directors, countries and reviews, and what is shown of them."""

    name = "movies"
