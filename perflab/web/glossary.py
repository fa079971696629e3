"""The words that a learner meets on the pages, each explained in a sentence or two.

CONTRIBUTING.md says the same in its own glossary: a test compares the two.
"""

WORDS = {
    "variant": "One of the ways in which an experiment makes the same page: slow, fast, or a step "
    "between them.",
    "expected": "The number of queries that a variant must keep to.",
    "median": "Half of the runs took less.",
    "p95": "The 95th percentile. One run in twenty took longer.",
    "interval": "Where the true ratio lies with 95 % confidence. An interval that holds 1 is no "
    "measurable difference.",
    "warm and cold": "The cache has the page's entries, or it has none of them.",
    "hit and miss": "A key that was read from a cache and found, or not found.",
    "bare response": 'The least that the lab can serve, HttpResponse("ok") through the same '
    "middleware.",
    "round trip": "The time to the other end and back: from a page to its database, or from a "
    "visitor to the site. The lab can simulate both.",
}
