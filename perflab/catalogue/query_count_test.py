"""A test for the reader's own project, made from an experiment's promise."""

from .registry import Experiment

ROWS = 25  # with a single row an N+1 bug hides


def write_query_count_test(experiment: Experiment) -> str:
    """Return the source of a Django test that keeps the fast way fast."""
    queries = experiment.fast.promise(warm=True).at(ROWS)
    noun = "query" if queries == 1 else "queries"
    lines = [
        "from django.test import TestCase",
        "",
        "",
        "class QueryCountTests(TestCase):",
        f"    def test_the_page_needs_{queries}_{noun}(self):",
        f"        ...  # make {ROWS} rows: with a single one an N+1 bug hides",
        f"        with self.assertNumQueries({queries}):",
        '            self.client.get("/your/page/")',
    ]
    if experiment.caches:
        lines.insert(6, '        self.client.get("/your/page/")  # fills the cache')
    return "\n".join(lines) + "\n"
