"""Test the lab behind a real PgBouncer in transaction mode."""

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.labs import ROOT, Lab
from tests.support.services import PgBouncer, or_skip

EXPORT = "/experiments/streaming-export"
OPTION = "?disable_server_side_cursors=1"
CLIENTS = 6
EXPORTS = 36
PAGES = ("/experiments/n-plus-one/fast/?movies=20", "/experiments/many-to-many/fast/?movies=20")


@pytest.fixture(scope="module")
def pooler(postgresql):
    server = or_skip(PgBouncer, postgresql)
    yield server
    server.remove()


def export_all(lab):
    """Return the answers to many exports of different sizes at once, each with its number of films.

    A failure that shows only in the body, an answer that was cut, is in place of the answer.
    """

    def export(number):
        films = 400 + 10 * (number % 6)
        try:
            return films, lab.get(f"{EXPORT}/fast/?movies={films}")
        except Exception as error:  # http.client's: the answer has no end
            return films, error

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(export, range(EXPORTS)))


def test_every_export_is_right_with_the_option(pooler):
    with Lab(workers=4, DATABASE_URL=pooler.url + OPTION, PERFLAB_TOOLBAR="0") as lab:
        right = {
            films: lab.get(f"{EXPORT}/slow/?movies={films}").text for films in range(400, 460, 10)
        }

        answers = export_all(lab)

        assert [answer.status for _, answer in answers] == [200] * EXPORTS
        assert not [films for films, answer in answers if answer.text != right[films]]
        assert len({answer.timing["worker"] for _, answer in answers}) > 1
        assert len(set(right.values())) == 6
        assert all(len(text.splitlines()) > 1000 for text in right.values())


def test_without_the_option_the_lab_says_so_and_shows_no_wrong_rows(pooler):
    with Lab(workers=4, DATABASE_URL=pooler.url, PERFLAB_TOOLBAR="0") as lab:
        answers = export_all(lab)

        assert Counter(answer.status for _, answer in answers) == {503: EXPORTS}
        text = answers[0][1].text
        assert "A pooler stands between the lab and PostgreSQL" in text
        assert "disable_server_side_cursors=1" in text
        assert [lab.get(page).status for page in PAGES] == [200, 200]  # they stream nothing
        assert "A pooler stands between" in lab.log.read_text()


@pytest.mark.exhaustive
def test_without_a_pooler_nothing_is_refused(postgresql):
    with Lab(workers=1, DATABASE_URL=postgresql.url, PERFLAB_TOOLBAR="0") as lab:
        streamed = lab.get(f"{EXPORT}/fast/?movies=400")

        assert streamed.status == 200
        assert streamed.text == lab.get(f"{EXPORT}/slow/?movies=400").text


@pytest.mark.parametrize(("option", "warns"), [("", True), (OPTION, False)])
def test_migrate_warns_of_a_pooler_unless_the_option_is_there(pooler, tmp_path, option, warns):
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": pooler.url + option, "PERFLAB_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert ("Warning: a pooler such as PgBouncer" in done.stderr) is warns


def test_a_pool_of_the_lab_s_own_serves_more_threads_than_it_has_connections(postgresql):
    """They wait for each other. The driver's own options are handed on to it.

    The workers' warm-up asks for the experiment on connections too, which has a pool of its own.
    """
    address = postgresql.url + "?pool=2&application_name=with_a_pool"
    with Lab(workers=1, threads=8, DATABASE_URL=address, PERFLAB_TOOLBAR="0") as lab:
        with ThreadPoolExecutor(16) as clients:
            statuses = list(clients.map(lambda _: lab.get(PAGES[0]).status, range(80)))

        with psycopg.connect(host=postgresql.folder, user="postgres", dbname="perflab") as own:
            ((used,),) = own.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'with_a_pool'"
            ).fetchall()
        assert statuses == [200] * 80
        assert 2 <= used < 8
