"""A search for a part of a word: which index can help, and how to ask so that it does.

`icontains` becomes a `LIKE` with a wildcard at both ends. A plain index is sorted by the beginning
of the value, so it cannot help, and the database reads every title.

On PostgreSQL the extension `pg_trgm` makes an index of *trigrams*: each three letters in a row that
a title contains, with the titles that contain them. A search for "love" looks up "lov" and "ove",
and reads the titles that have both. Asked for `icontains`, Django compares `UPPER(title)`, so just
that has to be indexed: `GinIndex(OpClass(Upper("title"), name="gin_trgm_ops"), name="…")`, in a
migration after the operation `TrigramExtension()`. The lab's migration makes such indexes on
PostgreSQL, where it may. The pages of the variants say whether they are there.

*Either* has all three conditions in one `OR`, the director's name across a join. Then the index is
of no use: whether a row is wanted is known only when film and director are joined, so all of them
are joined. *In* takes the directors from a subquery. There is no join left, but PostgreSQL still
cannot combine an index of films with a list of directors by `OR`. *United* asks two questions, each
of which can go by its index, and unites the keys with `union()`.

*Words*, a variant for reference on PostgreSQL only, asks another question: full-text search. A
`SearchVector` is the list of a text's words, and its index,
`GinIndex(SearchVector("title", "original_title", config="english"), name="…")`, has an entry for
each word. So it finds words and no parts of words: "love" finds *The Man I Love*, but neither
*Strangelove* nor *Lovers*. The configuration `english` reduces words to their stems, so "love"
also finds *Loving*, and "loves" finds what "love" finds. It leaves out words such as "the": who
searches for those alone finds nothing. `simple`, here that of the names, takes each word as it
stands. The query has to name the same columns and the same configuration as the index, or the
index is not used. `SearchRank` sorts by how well a row fits; this page keeps the order of the
others.

SQLite has no index for `LIKE` with a wildcard at both ends. There *in* and *united* help only by
avoiding the join. SQLite's full-text search (FTS5) can index words, and trigrams too, in a virtual
table beside the film's. Django's ORM does not know such tables: they need SQL by hand, and triggers
that keep them up to date. The lab does not have one.

**When it matters.** Each search box over a table that grows. Where people search for parts, as in a
box that completes what they type, trigrams fit. Where they search for words in longer texts,
full-text search does. Words that nearly every title contains are quicker by *either*, whose page
is soon full; compare the counts, which have to read everything.
"""

from django.db.models import Q
from django.shortcuts import render

from movies.models import Director, Movie
from movies.search import explain_indexes, explain_word_indexes, films_with, films_with_words
from movies.seeding import REAL_FILMS
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant, by_vendor

WORD = "love"


def show(request, movies, rows, explain=explain_indexes):
    """Show how many films were found, and the first of them: 2 queries, 3 on PostgreSQL."""
    page = movies.select_related("director").order_by("year", "id")[:rows]
    context = {"movies": page, "total": movies.count(), "word": WORD, "note": explain()}
    return render(request, "movies/found.html", context)


def either(request, rows):
    # Expect 2 queries of films joined with their directors, all of which are read.
    names = Q(director__name__icontains=WORD)
    titles = Q(title__icontains=WORD) | Q(original_title__icontains=WORD)
    return show(request, Movie.objects.filter(titles | names), rows)


def in_subquery(request, rows):
    # Expect 2 queries of films, all of which are read, with the directors from a subquery.
    names = Q(director__in=Director.objects.filter(name__icontains=WORD))
    titles = Q(title__icontains=WORD) | Q(original_title__icontains=WORD)
    return show(request, Movie.objects.filter(titles | names), rows)


def united(request, rows):
    # Expect 2 queries of films whose key one of two questions has found.
    return show(request, films_with(WORD), rows)


def words(request, rows):
    # Expect 2 queries of films in which a word with the same stem was found.
    return show(request, films_with_words(WORD), rows, explain_word_indexes)


def count_found():
    """Return of how many films each variant has enough to fill a page."""
    searches = by_vendor(sqlite=[films_with], postgresql=[films_with, films_with_words])
    return min(search(WORD).count() for search in searches)


SHOWN = {
    "queries": by_vendor(sqlite=Queries(2), postgresql=Queries(3)),  # the third one: is it indexed?
    "templates": ("movies/found.html",),
}

experiment = Experiment(
    title="A search box",
    topic="Indexes: missing, unused, too many",
    remedy="the question that an index can answer",
    count=count_found,
    figure="time",
    cost="A trigram index is larger than other indexes, and every insert writes an entry for each "
    "three letters. A united query reads all that match before it sorts them: of a word that "
    "most titles contain that is more work than the plain one. A full-text index takes time at "
    "each write too, and its stems are those of one language.",
    docs="https://docs.djangoproject.com/en/5.2/ref/contrib/postgres/search/#trigram-similarity",
    lesson=Setting(films=100_000, movies=20),
    not_at=Setting(
        films=REAL_FILMS,
        movies=20,
        why="A small table is searched from end to end in next to no time.",
    ),
    variants=(
        Variant("either", either, also=(show,), **SHOWN),
        Variant("in", in_subquery, also=(show,), **SHOWN),
        Variant("united", united, also=(films_with, show), **SHOWN),
        *by_vendor(
            sqlite=(),
            postgresql=(
                Variant(
                    "words",
                    words,
                    also=(films_with_words, show),
                    differs="This page has the films with the word or another form of it. Those in "
                    "which it is a part of a longer word are missing.",
                    reference=True,
                    **SHOWN,
                ),
            ),
        ),
    ),
)
