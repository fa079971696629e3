"""Threads and workers that write the same file at once lose nothing, and leave nothing behind."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.support.orders import cookie_of, order

PATH = "/experiments/n-plus-one/result/"
RESULT = "ratio=1.{ratio}&low=1&high=4&movies=100&round_trip=0&big={ratio}"


def test_results_that_are_sent_at_once_are_all_kept_whole(any_lab):
    cookie = cookie_of(any_lab)
    file = any_lab.var / "results" / "n-plus-one.json"

    def send(number):
        status = order(any_lab, PATH, RESULT.format(ratio=number), cookie).status
        return status, json.loads(file.read_text())["big"]  # whole, whosever it is

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(send, range(300)))

    assert Counter(status for status, _ in found) == {204: 300}
    assert {big for _, big in found} <= {str(number) for number in range(300)}
    assert not list(any_lab.var.rglob(".*.draft"))
