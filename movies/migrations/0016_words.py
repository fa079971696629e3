"""Full-text indexes of the films' titles and the directors' names, on PostgreSQL alone."""

from django.db import migrations


def list_indexes(apps):
    """Return each model with its index. Its expression is what `films_with_words` asks for."""
    from django.contrib.postgres.indexes import GinIndex
    from django.contrib.postgres.search import SearchVector

    titles = SearchVector("title", "original_title", config="english")
    names = SearchVector("name", config="simple")
    return [
        (apps.get_model("movies", "Movie"), GinIndex(titles, name="movie_words")),
        (apps.get_model("movies", "Director"), GinIndex(names, name="director_words")),
    ]


def create(apps, schema_editor):
    """Create the indexes, and let the planner count the words."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for model, index in list_indexes(apps):
        schema_editor.add_index(model, index)
        schema_editor.execute(f"ANALYZE {model._meta.db_table}")


def drop(apps, schema_editor):
    """Drop the indexes."""
    if schema_editor.connection.vendor == "postgresql":
        for model, index in list_indexes(apps):
            schema_editor.remove_index(model, index)


class Migration(migrations.Migration):
    dependencies = [
        ("movies", "0015_trigrams"),
    ]

    operations = [
        migrations.RunPython(create, drop),
    ]
