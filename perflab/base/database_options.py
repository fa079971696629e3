"""The options of DATABASE_URL that are Django's, not the driver's: `?pool=4&sslmode=require`."""

from typing import Any

from perflab.base.numbers import whole_number

MAX_AGE_S = 86_400
MAX_POOL = 64  # connections of each worker
POOL_TIMEOUT_S = 3  # how long a page waits for a connection of the pool
# What the driver takes as objects of Python; from an address they come as texts.
OBJECTS = ("autocommit", "context", "cursor_factory", "row_factory")
OPTIONS = ("disable_server_side_cursors", "conn_max_age", "pool")


def move_options(database: dict[str, Any]) -> str:
    """Make Django's settings of the options in the address; return what is wrong, "" if nothing is.

    `database` is what dj_database_url makes of the address. It hands all options to the driver.
    """
    options = database.get("OPTIONS", {})
    texts = {name: str(options.pop(name)) for name in OPTIONS if name in options}
    if texts and database["ENGINE"] != "django.db.backends.postgresql":
        return f"has {' and '.join(texts)}, which only PostgreSQL takes"
    if objects := [name for name in OBJECTS if name in options]:
        return f"has {' and '.join(objects)}, which cannot be set in an address"
    try:
        if "disable_server_side_cursors" in texts:
            is_disabled = read_flag("disable_server_side_cursors", texts)
            database["DISABLE_SERVER_SIDE_CURSORS"] = is_disabled
        if "conn_max_age" in texts:
            database["CONN_MAX_AGE"] = read_number("conn_max_age", texts, MAX_AGE_S)
        size = read_number("pool", texts, MAX_POOL) if "pool" in texts else 0
    except ValueError as error:
        return str(error)
    if size and texts.get("conn_max_age", "0") != "0":
        return "has pool and conn_max_age: a pool keeps its connections itself"
    if size:
        database["CONN_MAX_AGE"] = 0
        options["pool"] = pool_of(size)
    return ""


def pool_of(size: int) -> dict[str, int]:
    """Return psycopg's options of a pool of at most so many connections, in each worker."""
    return {"min_size": 1, "max_size": size, "timeout": POOL_TIMEOUT_S}


def read_flag(name: str, texts: dict[str, str]) -> bool:
    """Return whether an option is switched on. Raises ValueError."""
    known = {"1": True, "true": True, "0": False, "false": False}
    text = texts[name].lower()
    if text not in known:
        raise ValueError(f"has {name}={text[:40]}: it must be 1 or 0")
    return known[text]


def read_number(name: str, texts: dict[str, str], most: int) -> int:
    """Return the whole number of an option, 0 or more. Raises ValueError."""
    try:
        return whole_number(texts[name], 0, most)
    except ValueError as error:
        raise ValueError(f"has {name}={texts[name][:40]}: it {error}") from error
