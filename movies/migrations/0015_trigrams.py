"""Trigram indexes for searches, on PostgreSQL alone, and where the extension can be created."""

from django.db import DatabaseError, migrations, transaction

INDEXES = {
    "movie_title_trigrams": ("movies_movie", "UPPER(title)"),
    "movie_original_title_trigrams": ("movies_movie", "UPPER(original_title)"),
    "director_name_trigrams": ("movies_director", "UPPER(name)"),
}


def create(apps, schema_editor):
    """Create the indexes. Without them the lab works as well, and its page of searches says so."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for name, (table, expression) in INDEXES.items():
                cursor.execute(
                    f"CREATE INDEX {name} ON {table} USING gin ({expression} gin_trgm_ops)"
                )
            for table in dict.fromkeys(table for table, _ in INDEXES.values()):
                cursor.execute(f"ANALYZE {table}")
    except DatabaseError:  # no right to, or the server does not have the extension
        return


def drop(apps, schema_editor):
    """Drop the indexes, and leave the extension, which others may use."""
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            for name in INDEXES:
                cursor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [
        ("movies", "0014_lower_imdb_id"),
    ]

    operations = [
        migrations.RunPython(create, drop),
    ]
