"""Read a SQL statement by its tokens: whether it only reads, and what it names.

The tokens are PostgreSQL's. What a database may read otherwise than we do is not read at all, so
nothing hides in a comment or in a text. No database is asked here.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"""
    (?P<space> [ \t\r\n\f]+ | --[^\r\n]* | /\* (?: [^*/] | \*(?!/) | /(?!\*) )* \*/ )
    | (?P<text> [eE]'(?: [^'\\] | \\. | '' )*' | '(?: [^'] | '' )*' )
    | (?P<quoted> "(?: [^"] | "" )+" )
    | (?P<number> (?: [0-9]+ (?: \.[0-9]* )? | \.[0-9]+ ) (?: [eE][-+]?[0-9]+ )? )
    | (?P<word> (?! [uU]&['"] ) [A-Za-z_\x80-\U0010ffff] [A-Za-z0-9_$\x80-\U0010ffff]* )
    | (?P<sign> /(?!\*) | \*(?!/) | [-+<>=~!@\#%^&|?:,.()\[\];] )
    """,
    re.VERBOSE | re.DOTALL,
)

READING = ("SELECT", "WITH", "VALUES", "TABLE")
# Each of them changes data, or makes a table. A column of that name stands in quotes.
WRITING = {"INSERT", "UPDATE", "DELETE", "MERGE", "INTO"}
LOCKING = {"UPDATE", "NO", "SHARE", "KEY"}  # after FOR
# PostgreSQL folds these letters of an unquoted name, and no others: Ä stays Ä.
FOLDED = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# TREAT(x AS y) calls a function with the name of y.
STRANGE = {"TREAT"}


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a statement, without the spaces and comments around it."""

    kind: str  # "text", "quoted", "number", "word" or "sign"
    value: str

    @property
    def keyword(self) -> str:
        """Return a word in capitals, and "" for anything else: a quoted name is no keyword."""
        return self.value.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """Return what a name means: only a quoted one keeps its capitals. "" for what is none."""
        if self.kind == "quoted":
            return self.value[1:-1].replace('""', '"')
        return self.value.translate(FOLDED) if self.kind == "word" else ""


class Unreadable(Exception):
    """The statement holds something that a database may read otherwise. The message is a line."""


def read_tokens(sql: str) -> list[Token]:
    """Return the tokens of a statement. Raises Unreadable."""
    return list(_tokens(sql))


def _tokens(sql: str) -> Iterator[Token]:
    position, follows_text = 0, False
    while position < len(sql):
        found = TOKEN.match(sql, position)
        if found is None:
            start = sql[position : position + 20]
            raise Unreadable(f"The lab cannot read it from here on: {start}")
        kind = str(found.lastgroup)
        if kind == "text" and follows_text:  # PostgreSQL may take both for one, by the first's rule
            raise Unreadable("Two texts follow each other in it.")
        if kind != "space":
            follows_text = kind == "text"
            yield Token(kind, found[0])
        position = found.end()


def find_fault(tokens: list[Token]) -> str:
    """Return why a statement may do more than read, in a sentence; "" where it only reads.

    Functions are not judged: only the database knows them.
    """
    while tokens and tokens[-1].value == ";":
        tokens = tokens[:-1]
    if any(token.value == ";" for token in tokens):
        return "These are several statements."
    first = next((token for token in tokens if token.value != "("), None)
    if first is None:
        return "There is no statement in it."
    if first.keyword not in READING:
        return f"It begins with {first.value[:40]}."
    for before, token in zip([first, *tokens], tokens, strict=False):
        if before.keyword == "FOR" and token.keyword in LOCKING:
            return f"It locks rows: FOR {token.keyword}."
        if token.keyword in WRITING | STRANGE:
            return f"It holds {token.keyword}, so it may do more than read."
    return ""


def find_names(tokens: list[Token]) -> set[str]:
    """Return all names in a statement, keywords included."""
    return {token.name for token in tokens} - {""}


def find_called(tokens: list[Token]) -> set[str]:
    """Return the names before a parenthesis: of the functions, and of some keywords and tables."""
    pairs = zip(tokens, tokens[1:], strict=False)
    return {token.name for token, following in pairs if following.value == "("} - {""}
