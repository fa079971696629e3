"""Request the variants of an experiment, and see what they did."""

import re
from contextlib import contextmanager
from types import SimpleNamespace

from django.db import connection
from django.db.models.signals import post_init
from django.test.signals import template_rendered
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from perflab.catalogue import registry
from perflab.compare.promises import fetch


def address_with_token(slug, variant, token, order="", **knobs):
    query = "&".join(f"{name}={value}" for name, value in {"cold": token, **knobs}.items())
    return f"/experiments/{slug}/{variant}/{order}?movies=10&{query}"


def read_answer(response):
    """Return the text of the page's element with `data-answer`."""
    return response.content.decode().partition("data-answer>")[2].partition("<")[0]


def address(slug, variant, **knobs):
    return reverse("variant", args=[slug, variant]) + "".join(
        f"{'&' if number else '?'}{name}={value}"
        for number, (name, value) in enumerate(knobs.items())
    )


ROWS = 25


def visit(slug, name, rows=ROWS):
    """One answer of a variant, and the statements that it took."""
    experiment = registry.get(slug)
    with CaptureQueriesContext(connection) as captured:
        answer = fetch(experiment, experiment.variant(name), rows, "locmem")
    assert answer.status == 200
    statements = [
        query["sql"] for query in captured if query["sql"].startswith(("SELECT", "INSERT"))
    ]
    return answer, statements


def page(slug, name):
    return visit(slug, name)[0].body.decode()


def statements(slug, name, rows=ROWS):
    return visit(slug, name, rows)[1]


def columns(statement):
    """The columns that a statement selects, by their names alone."""
    return re.findall(r'"(\w+)"(?: AS "\w+")?(?:,|$)', statement[: statement.index(" FROM ")])


@contextmanager
def made(model):
    """Count the instances that are made of a model while the block runs."""
    count = SimpleNamespace(instances=0)

    def one_more(**kwargs):
        count.instances += 1

    post_init.connect(one_more, sender=model)
    try:
        yield count
    finally:
        post_init.disconnect(one_more, sender=model)


@contextmanager
def rendered():
    """Collect the names of the templates that are rendered while the block runs."""
    names = []

    def one_more(template, **kwargs):
        names.append(template.name)

    template_rendered.connect(one_more)
    try:
        yield names
    finally:
        template_rendered.disconnect(one_more)


def plan(statement):
    """The database's plan for a statement, as text."""
    words = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{words} {statement}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def page_of(client, slug, variant, **knobs):
    """A variant's whole page."""
    response = client.get(f"/experiments/{slug}/{variant}/", {"cache": "locmem", **knobs})
    page = b"".join(response).decode()  # of a stream too
    assert response.status_code == 200, page
    return page


def statements_of(client, slug, variant, **knobs):
    """What a variant asks the database, statement by statement."""
    with CaptureQueriesContext(connection) as captured:
        page_of(client, slug, variant, **knobs)
    return [query["sql"] for query in captured.captured_queries]
