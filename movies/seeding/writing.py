"""How rows reach a database quickly: COPY on PostgreSQL, one prepared INSERT on SQLite."""

from django.core.management.color import no_style
from django.db import connection

from movies.models import Country, Director, Movie, Review

LINKS = Movie.countries.through._meta.db_table
COLUMNS = {
    Country._meta.db_table: ("id", "code", "name"),
    Director._meta.db_table: ("id", "name"),
    Movie._meta.db_table: (
        *("id", "imdb_id", "title", "original_title"),
        *("year", "minutes", "synopsis", "director_id"),
    ),
    LINKS: ("id", "movie_id", "country_id"),
    Review._meta.db_table: ("id", "movie_id", "reviewer", "score", "text"),
}


def insert(cursor, table, rows):
    """Write rows, tuples in the order of COLUMNS, to a table of ours."""
    columns = ", ".join(COLUMNS[table])
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        places = ", ".join(["%s"] * len(COLUMNS[table]))
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)


def insert_block(cursor, rows):
    """Write one block, what is pointed at before what points at it."""
    insert(cursor, Director._meta.db_table, rows.directors)
    insert(cursor, Movie._meta.db_table, rows.movies)
    insert(cursor, LINKS, rows.links)
    insert(cursor, Review._meta.db_table, rows.reviews)


def empty(cursor):
    """Delete every row.

    Not TRUNCATE, which on PostgreSQL would keep all readers waiting until the new films are there;
    after DELETE they read the old ones until the very moment of the commit.
    """
    for table in reversed(COLUMNS):
        cursor.execute(f"DELETE FROM {table}")


def finish(cursor):
    """Inside the transaction: ids that Django gives out follow ours; the planner knows the tables."""
    if connection.vendor == "postgresql":
        for statement in connection.ops.sequence_reset_sql(
            no_style(), [Country, Director, Movie, Review]
        ):
            cursor.execute(statement)
    for table in COLUMNS:
        cursor.execute(f"ANALYZE {table}")
