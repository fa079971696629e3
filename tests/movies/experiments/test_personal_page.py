"""Test personal-page: whose name a cached page greets, and what a copy for each visitor costs."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.support.experiments import address_with_token, read_answer
from tests.support.figures import queries


@pytest.fixture
def visit(client_of, token):
    """A function by which a visitor of this name asks for a variant of `personal-page`."""
    return lambda name, variant: client_of(name).get(
        address_with_token("personal-page", variant, token)
    )


@pytest.fixture
def client_of():
    """A function that gives each visitor a browser of their own."""
    clients = {}

    def client_of(name):
        if name not in clients:
            clients[name] = Client()
            clients[name].post(reverse("visitor"), {"name": name})
        return clients[name]

    return client_of


@pytest.mark.django_db
def test_the_leaking_page_shows_bob_what_was_made_for_ada(visit):
    visit("Ada", "leaking")

    assert read_answer(visit("Bob", "leaking")) == "Welcome, Ada."


@pytest.mark.django_db
@pytest.mark.parametrize("variant", ["uncached", "per-visitor", "private", "fragment"])
def test_the_other_personal_pages_greet_everybody_by_their_own_name(visit, variant):
    greetings = [read_answer(visit(name, variant)) for name in ("Ada", "Bob", "Ada", "Bob")]

    assert greetings == ["Welcome, Ada.", "Welcome, Bob."] * 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("variant", "first", "second"),
    [("uncached", 2, 2), ("per-visitor", 2, 0), ("private", 2, 2), ("fragment", 0, 0)],
)
def test_a_copy_for_each_visitor_is_paid_by_each_and_a_fragment_once(visit, variant, first, second):
    visit("Ada", variant)

    assert [queries(visit("Bob", variant)) for _ in range(2)] == [first, second]


@pytest.mark.django_db
def test_what_the_second_visitor_gets_does_not_say_that_it_varies(visit):
    made, leaked = visit("Ada", "leaking"), visit("Bob", "leaking")

    assert "Cookie" in made["Vary"]
    assert "Cookie" not in leaked.get("Vary", "")
    assert "max-age=60" in leaked["Cache-Control"]


@pytest.mark.django_db
def test_a_private_page_asks_nobody_in_between_to_keep_it(visit):
    answer = visit("Ada", "private")

    assert "private" in answer["Cache-Control"]
    assert "max-age" not in answer["Cache-Control"]
