"""Test which statements only read, as far as their words tell."""

import pytest

from perflab.measure.statements import (
    Unreadable,
    find_called,
    find_fault,
    find_names,
    read_tokens,
)

READS = [
    "SELECT 1",
    "select 1;",
    " ( SELECT 1 ) UNION (SELECT 2) ",
    "WITH x AS (SELECT 1) SELECT * FROM x",
    "VALUES (1), (2)",
    "TABLE movies_movie",
    "/* DELETE FROM x; */ SELECT 1 -- ; DELETE",
    "SELECT 'DELETE; FROM x', 'it''s INTO', \"update\".\"delete\" FROM \"for update\"",
    "SELECT E'\\'; DELETE FROM x; --' AS a",
    "SELECT substring('abc' FROM 1 FOR 2), 5 % 2, a->>'b', x'00', date '2026-01-01' FROM t",
    'SELECT "movies_movie"."id" FROM "movies_movie" WHERE "year" IN (%s, %s) LIMIT 21',
    "SELECT REPLACE(title, 'a', 'b') FROM movies_movie",
    "SELECT a LIKE %s ESCAPE '\\' FROM t",
]

WRITES = {
    "INSERT INTO x VALUES (1)": "begins with INSERT",
    "  -- SELECT\n DELETE FROM x": "begins with DELETE",
    "REPLACE INTO x VALUES (1)": "begins with REPLACE",
    "EXPLAIN ANALYZE DELETE FROM x": "begins with EXPLAIN",
    "PRAGMA user_version = 5": "begins with PRAGMA",
    "ATTACH 'x' AS y": "begins with ATTACH",
    "COPY x TO PROGRAM 'rm'": "begins with COPY",
    "DO $$BEGIN DELETE FROM x; END$$": "cannot read it",
    "CALL x()": "begins with CALL",
    "BEGIN IMMEDIATE": "begins with BEGIN",
    '"SELECT" 1': 'begins with "SELECT"',
    "": "no statement",
    "-- nothing": "no statement",
    "(((": "no statement",
    "SELECT 1; DELETE FROM x": "several statements",
    "SELECT 1;; SELECT 2": "several statements",
    "WITH x AS (DELETE FROM y RETURNING *) SELECT * FROM x": "holds DELETE",
    "WITH x AS (SELECT 1) INSERT INTO y SELECT * FROM x": "holds INSERT",
    "WITH x AS MATERIALIZED (UPDATE y SET a = 1 RETURNING a) TABLE x": "holds UPDATE",
    "WITH x AS (MERGE INTO y USING z ON true WHEN MATCHED THEN DELETE) SELECT 1": "holds MERGE",
    "SELECT * INTO y FROM x": "holds INTO",
    "SELECT * FROM x FOR UPDATE": "locks rows: FOR UPDATE",
    "SELECT * FROM x FOR/**/NO KEY UPDATE": "locks rows: FOR NO",
    "SELECT * FROM x FOR\nSHARE SKIP LOCKED": "locks rows: FOR SHARE",
    "SELECT * FROM x FOR KEY SHARE": "locks rows: FOR KEY",
    "SELECT TREAT(1 AS pg_sleep)": "holds TREAT",
}

UNREADABLE = [
    "SELECT $$a$$",
    "SELECT $1",
    "SELECT `a`",
    "SELECT {d '2026-01-01'}",
    "SELECT '\0' || \0",
    "SELECT 'never closed",
    'SELECT "never closed',
    "SELECT 1 /* never closed",
    "SELECT /* /* ' */ */ f(1) /* ' */",  # PostgreSQL's comments hold comments
    "SELECT 1 */ 2",
    "SELECT U&'\\0027'",
    'SELECT U&"d\\0061ta"',
    "SELECT E'a'\n'\\' || ' || f(1) || '",  # for PostgreSQL both texts follow the first one's rule
    "SELECT 'a' /* and */ 'b'",
    "SELECT \\a",
]


@pytest.mark.parametrize("sql", READS)
def test_what_reads_has_no_fault(sql):
    assert find_fault(read_tokens(sql)) == ""


@pytest.mark.parametrize(("sql", "fault"), WRITES.items())
def test_what_may_do_more_is_told(sql, fault):
    try:
        found = find_fault(read_tokens(sql))
    except Unreadable as reason:
        found = str(reason)

    assert fault in found


@pytest.mark.parametrize("sql", UNREADABLE)
def test_what_a_database_may_read_otherwise_is_not_read(sql):
    with pytest.raises(Unreadable):
        read_tokens(sql)


def test_a_name_is_found_however_it_is_written():
    tokens = read_tokens(
        'SELECT PG_Sleep(1), pg_catalog . "set_config" /* so */ (1), "A""b"(2), (c)(3) FROM t(a)'
    )

    assert find_called(tokens) == {"pg_sleep", "set_config", 'A"b', "t"}
    assert {"pg_catalog", "select", "c", "a"} <= find_names(tokens)


def test_only_ascii_letters_lose_their_capitals():
    assert find_called(read_tokens('SELECT ÄRGER(1), "ÄRGER"(2), \u212aELVIN(3)')) == {
        "Ärger",
        "ÄRGER",
        "\u212aelvin",
    }


def test_a_call_within_a_text_is_none():
    assert find_called(read_tokens("SELECT 'pg_sleep(1)', E'\\'f(2)', lower('x')")) == {"lower"}
