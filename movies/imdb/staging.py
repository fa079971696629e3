"""Temporary tables in which the database joins the dumps, so that they need not fit into memory.

They are made and dropped in the caller's transaction, so an interruption removes them too.
"""

from itertools import groupby, islice
from operator import itemgetter

from django.db import connection

from movies.imdb.dumps import LONGEST_NAME
from movies.seeding import writing

ROWS = 10_000  # written at a time
AND_OTHERS = " and others"

TABLES = {
    # What the dumps say.
    "imdb_film": """
        film integer PRIMARY KEY, title text NOT NULL, original_title text NOT NULL,
        year integer NOT NULL, minutes integer NOT NULL""",
    "imdb_crew": """
        film integer NOT NULL, place integer NOT NULL, person integer NOT NULL,
        PRIMARY KEY (film, place)""",
    "imdb_person": "person integer PRIMARY KEY, name text NOT NULL",
    "imdb_votes": """
        film integer PRIMARY KEY, rating integer NOT NULL, votes integer NOT NULL""",
    # What is made of them: films by rank, the credit of each film, and each credit once.
    "imdb_choice": "id integer PRIMARY KEY, film integer NOT NULL",
    "imdb_credit": "id integer PRIMARY KEY, people text NOT NULL, name text NOT NULL",
    "imdb_director": "id integer NOT NULL, people text PRIMARY KEY",
}


def create(cursor):
    """Create the temporary tables."""
    if connection.vendor == "postgresql":
        # We fetch all rows, so the planner should optimise for the last one, not for the first.
        cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
    for table, columns in TABLES.items():
        cursor.execute(f"CREATE TEMPORARY TABLE {table} ({columns})")


def drop(cursor):
    """Drop the temporary tables."""
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL cursor_tuple_fraction = DEFAULT")
    for table in TABLES:
        cursor.execute(f"DROP TABLE {table}")


def fill(cursor, table, columns, rows):
    """Write rows in parts, then let the planner know what the table holds."""
    while part := list(islice(rows, ROWS)):
        writing.insert_into(cursor, table, columns, part)
    cursor.execute(f"ANALYZE {table}")


def fetch_number(cursor, query):
    """Return the one number that a query finds."""
    cursor.execute(query)
    return cursor.fetchone()[0]


def stream(query):
    """Yield the rows of a query without holding them all, here or in the driver."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(ROWS):
            yield from rows


def choose(cursor, limit):
    """Rank the films that have a director with a name, those with the most votes first.

    Return how many films these are, and how many were left out for each reason.
    """
    cursor.execute(
        "DELETE FROM imdb_crew WHERE NOT EXISTS "
        "(SELECT 1 FROM imdb_person WHERE imdb_person.person = imdb_crew.person)"
    )
    nameless = cursor.rowcount
    directed = "EXISTS (SELECT 1 FROM imdb_crew WHERE imdb_crew.film = imdb_film.film)"
    undirected = fetch_number(cursor, f"SELECT COUNT(*) FROM imdb_film WHERE NOT {directed}")
    cursor.execute(
        "INSERT INTO imdb_choice (id, film) "
        "SELECT ROW_NUMBER() OVER (ORDER BY COALESCE(votes, 0) DESC, imdb_film.film), "
        "imdb_film.film FROM imdb_film "
        "LEFT JOIN imdb_votes ON imdb_votes.film = imdb_film.film "
        f"WHERE {directed} ORDER BY 1 LIMIT %s",
        [limit],
    )
    cursor.execute("ANALYZE imdb_choice")
    chosen = fetch_number(cursor, "SELECT COUNT(*) FROM imdb_choice")
    beyond = fetch_number(cursor, "SELECT COUNT(*) FROM imdb_film") - undirected - chosen
    return chosen, {
        "credits of directors without a name": nameless,
        "films without a director": undirected,
        "films beyond the limit": beyond,
    }


def credit(names):
    """Return the credit of people with these names, and how many of the names it holds."""
    together = ", ".join(names)
    if len(together) <= LONGEST_NAME:
        return together, len(names)
    kept = len(names) - 1
    while len(together := ", ".join(names[:kept]) + AND_OTHERS) > LONGEST_NAME and kept > 1:
        kept -= 1
    return together[:LONGEST_NAME], kept


def credits():
    """Yield each chosen film's id, its directors (their ids, as text) and their credit."""
    listed = stream(
        "SELECT imdb_choice.id, imdb_crew.person, imdb_person.name FROM imdb_choice "
        "JOIN imdb_crew ON imdb_crew.film = imdb_choice.film "
        "JOIN imdb_person ON imdb_person.person = imdb_crew.person "
        "ORDER BY imdb_choice.id, imdb_crew.place"
    )
    for film, directors in groupby(listed, key=itemgetter(0)):
        people, names = zip(*((person, name) for _, person, name in directors), strict=True)
        together, kept = credit(names)
        key = ",".join(map(str, people[:kept]))
        yield film, key if kept == len(people) else f"{key},...", together


def credit_directors(cursor):
    """Give each credit the id of a director, in the order in which they appear."""
    fill(cursor, "imdb_credit", ("id", "people", "name"), credits())
    cursor.execute(
        "INSERT INTO imdb_director (id, people) "
        "SELECT ROW_NUMBER() OVER (ORDER BY MIN(id)), people FROM imdb_credit GROUP BY people"
    )
    cursor.execute("ANALYZE imdb_director")


def films():
    """Yield the chosen films by rank: id, IMDb's number, facts, director's id and name, votes."""
    return stream(
        "SELECT imdb_choice.id, imdb_film.film, title, original_title, year, minutes, "
        "imdb_director.id, imdb_credit.name, rating, votes FROM imdb_choice "
        "JOIN imdb_film ON imdb_film.film = imdb_choice.film "
        "JOIN imdb_credit ON imdb_credit.id = imdb_choice.id "
        "JOIN imdb_director ON imdb_director.people = imdb_credit.people "
        "LEFT JOIN imdb_votes ON imdb_votes.film = imdb_choice.film ORDER BY imdb_choice.id"
    )
