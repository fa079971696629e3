from django.apps import AppConfig


class MoviesConfig(AppConfig):
    """The subject: films, directors, countries and reviews, and what is shown of them."""

    name = "movies"
    default_auto_field = "django.db.models.BigAutoField"
