"""Sel and Expl on each statement of each experiment: reads are shown, and nothing ever changes."""

import contextlib
import html
import json
import re
import sqlite3
import urllib.parse

import psycopg
import pytest

from perflab.catalogue import registry
from tests.support import services
from tests.support.labs import Lab
from tests.support.services import or_skip, wait_until
from tests.support.toolbar import text_of

ALL = list(registry.experiments)
FEW = ["n-plus-one", "index-price", "bulk-writes", "bulk-update", "streaming-export"]
READS = ("SELECT", "WITH", "VALUES", "DECLARE")  # the last is how a cursor of a server reads
SQL = re.compile(r'class="djDebugUncollapsed">(.*?)</span></div>', re.DOTALL)
SIGNED = re.compile(r'name="signed" value="([^"]*)"')


class OnSQLite:
    """A lab on a copy of the seeded database, and what its database holds."""

    def __init__(self, seeded):
        self.lab = Lab(seeded, workers=1, PERFLAB_TOOLBAR="1")

    def ask(self, sql):
        with contextlib.closing(sqlite3.connect(self.lab.var / "perflab.sqlite3")) as connection:
            return connection.execute(sql).fetchall()

    def tables(self):
        return self.ask("SELECT name FROM sqlite_master WHERE type = 'table'")

    def state(self):
        return {name: self.ask(f'SELECT count(*) FROM "{name}"')[0][0] for (name,) in self.tables()}

    def remove(self):
        pass


class OnPostgreSQL(OnSQLite):
    def __init__(self, seeded):
        self.server = or_skip(services.PostgreSQL)
        self.lab = Lab(workers=1, PERFLAB_TOOLBAR="1", DATABASE_URL=self.server.url)

    def ask(self, sql):
        where = {"host": str(self.server.folder), "user": "postgres", "dbname": "perflab"}
        with psycopg.connect(**where, autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def tables(self):
        return self.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")

    def state(self):
        locks = self.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        sequences = self.ask("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
        return {**super().state(), "locks": locks, "sequences": sequences}

    def remove(self):
        self.server.remove()


@pytest.fixture(scope="module", params=[OnSQLite, OnPostgreSQL])
def place(request, seeded_database):
    place = request.param(seeded_database)
    try:
        with place.lab:
            yield place
    finally:
        place.remove()


def statements_of(lab, path):
    """The statements of a page with the toolbar, each shape once: {text: signed form}."""
    page = lab.get(f"{path}?movies=5&inspect=1", timeout=60)
    query = {"request_id": page.headers["djdt-request-id"], "panel_id": "SQLPanel"}
    panel = lab.get(f"/__debug__/render_panel/?{urllib.parse.urlencode(query)}")
    found = {}
    for row in json.loads(panel.text)["content"].split('id="sqlMain_')[1:]:
        text, form = text_of(SQL.search(row)[1]), SIGNED.search(row)
        if form:  # BEGIN has no parameters, and no buttons
            found[re.sub(r"\d+|'[^']*'", "?", text)] = text, html.unescape(form[1])
    return dict(found.values())


def press(lab, button, signed):
    response = lab.request(
        "POST",
        f"/__debug__/sql_{button}/",
        {"Content-Type": "application/x-www-form-urlencoded"},
        urllib.parse.urlencode({"signed": signed}),
    )
    assert response.status == 200, response.text
    return text_of(json.loads(response.text)["content"])


@pytest.mark.parametrize(
    ("slugs", "reads"), [(FEW, 5), pytest.param(ALL, 40, marks=pytest.mark.exhaustive)]
)
def test_sel_and_expl_of_each_statement_change_nothing(place, slugs, reads):
    pressed, refused = set(), set()

    for slug, variant in [(e, v.name) for e in slugs for v in registry.get(e).variants]:
        statements = statements_of(place.lab, f"/experiments/{slug}/{variant}/")
        wait_until(lambda: not place.state()["movies_queuedtask"], "the end of the queue")
        before = place.state()
        for text, signed in statements.items():
            for button in ("select", "explain"):
                answer = press(place.lab, button, signed)
                is_read = text.startswith(READS) and "FOR UPDATE" not in text
                assert ("Not repeated." not in answer) == is_read, (slug, variant, text, answer)
                (pressed if is_read else refused).add(text)
        assert place.state() == before, (slug, variant)

    assert len(pressed) > reads
    assert {text.split()[0] for text in refused} >= {"INSERT", "UPDATE", "DELETE"}
    assert '" 50' not in place.lab.log_text()


@pytest.mark.parametrize("variant", ["slow", "fast"])
@pytest.mark.parametrize("button", ["select", "explain"])
def test_a_refusal_says_why(place, variant, button):
    statements = statements_of(place.lab, f"/experiments/index-price/{variant}/")
    [insert] = [signed for text, signed in statements.items() if text.startswith("INSERT")]

    answer = press(place.lab, button, insert)

    assert "Not repeated. It begins with INSERT. Only what reads is repeated" in answer
