"""Read IMDb's dumps line by line, and say which lines cannot be used and why.

A dump is a header and tab-separated lines of UTF-8 without quoting; `\\N` stands for no value. IMDb
identifies a title by a `tconst` ("tt0111161") and a person by an `nconst` ("nm0001104"); here both
are the number in it. The memory that this needs does not grow with a dump, except for the bits of
`Ids`: 5 MB for 40 million ids.
"""

import gzip
import zlib
from contextlib import ExitStack, contextmanager

# The columns of each dump, as its first line names them.
COLUMNS = {
    "title.basics": (
        *("tconst", "titleType", "primaryTitle", "originalTitle", "isAdult"),
        *("startYear", "endYear", "runtimeMinutes", "genres"),
    ),
    "title.crew": ("tconst", "directors", "writers"),
    "name.basics": (
        *("nconst", "primaryName", "birthYear", "deathYear"),
        *("primaryProfession", "knownForTitles"),
    ),
    "title.ratings": ("tconst", "averageRating", "numVotes"),
}
OPTIONAL = {"title.ratings"}

TYPES = (
    *("movie", "short", "tvEpisode", "tvMiniSeries", "tvMovie", "tvPilot", "tvSeries"),
    *("tvShort", "tvSpecial", "video", "videoGame"),
)

# What our tables can hold, and what can be true.
LONGEST_TITLE = 300
LONGEST_NAME = 200
YEARS = range(1870, 2101)
MINUTES = range(1, 7 * 24 * 60)  # some works are longer, but nobody shows them

NOTHING = (b"\\N", b"")
BLOCK = 1 << 20  # bytes read at a time, and the longest line there may be
ID_BITS = 10**8  # an id has 7 or 8 digits


class DumpError(Exception):
    """The dumps cannot be imported; the message says which and why."""


class Unusable(Exception):
    """A line that cannot be used; the message says why, as the end of "3 ..."."""


class Ids:
    """A set of ids, one bit each."""

    def __init__(self):
        self.bits = bytearray(ID_BITS // 8)  # takes no memory until it is written to

    def add(self, number):
        """Add an id, and return whether it is new."""
        byte, bit = number >> 3, 1 << (number & 7)
        is_new = not self.bits[byte] & bit
        self.bits[byte] |= bit
        return is_new

    def __contains__(self, number):
        return self.bits[number >> 3] & 1 << (number & 7)


def find(folder):
    """Return the paths of the dumps in a folder, by name.

    Raises DumpError if one is missing or wrong.
    """
    try:
        there = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise DumpError(f"{folder} cannot be read: {error.strerror}") from error
    paths = {}
    for name in COLUMNS:
        both = (f"{name}.tsv.gz", f"{name}.tsv")
        if found := [file for file in both if file in there]:
            paths[name] = folder / found[0]
        elif name not in OPTIONAL:
            raise DumpError(f"{folder} holds neither {both[0]} nor {both[1]}")
    for name, path in paths.items():
        with opened(path, name):
            pass  # this checks the header: a wrong file should be found now, not in five minutes
    return paths


@contextmanager
def opened(path, name):
    """Open a dump, plain or gzip, and yield the file after its header and the raw file.

    The content decides whether it is gzip, not the name. Raises DumpError for a bad file.
    """
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(open(path, "rb"))
            file = raw
            if raw.read(2) == b"\x1f\x8b":
                file = stack.enter_context(gzip.GzipFile(fileobj=raw))
            raw.seek(0)
            header = file.readline(BLOCK).removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
            if header != "\t".join(COLUMNS[name]).encode():
                what = "does not begin with the columns of" if header else "is empty: it is not"
                raise DumpError(f"{path.name} {what} IMDb's {name}")
            yield file, raw
        except EOFError as error:
            raise DumpError(f"{path.name} ends too early: download it again") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DumpError(f"{path.name} is damaged: download it again ({error})") from error
        except OSError as error:
            raise DumpError(f"{path.name} cannot be read: {error.strerror or error}") from error


def lines(path, name, skipped, progress):
    """Yield the lines of a dump as lists of fields, in bytes; count those with too many or few.

    `progress(name, done, size)` is called now and then, with bytes of the file.
    """
    width, size = len(COLUMNS[name]), path.stat().st_size
    with opened(path, name) as (file, raw):
        for block in blocks_of_lines(file, path):
            progress(name, raw.tell(), size)
            for line in block:
                fields = line.split(b"\t")
                if len(fields) == width:
                    yield fields
                else:
                    fewer = len(fields) < width
                    skipped[f"with {'missing' if fewer else 'too many'} columns"] += 1


def blocks_of_lines(file, path):
    """Yield lists of whole lines, without the line ends."""
    tail = b""
    while read := file.read(BLOCK):
        *block, tail = (tail + read).replace(b"\r\n", b"\n").split(b"\n")
        yield block
        if len(tail) > BLOCK:
            raise DumpError(f"{path.name} has a line of more than {BLOCK:,} bytes")
    if tail:
        yield [tail.rstrip(b"\r")]


def identifier(field, prefix):
    """Return the number in an id. Raises Unusable."""
    digits = field[2:]
    # Only IMDb's own spelling is accepted, or two ids could mean the same number.
    as_imdb_does = len(digits) == 7 or (len(digits) == 8 and digits[0] != ord("0"))
    if not (field[:2] == prefix and as_imdb_does and digits.isdigit()):
        raise Unusable("without an id")
    return int(digits)


def number(field, among, what):
    """Return a whole number. Raises Unusable, which says `what` it should be."""
    if field in NOTHING:
        raise Unusable(f"without a {what}")
    if not (field.isdigit() and len(field) < 10 and int(field) in among):
        raise Unusable(f"with an impossible {what}")
    return int(field)


def text(field, longest, what):
    """Return text that our tables can hold, "" for none. Raises Unusable, which says `what`."""
    if field in NOTHING:
        return ""
    try:
        decoded = field.decode()
    except UnicodeDecodeError as error:
        raise Unusable(f"with a {what} that is not UTF-8") from error
    if "\0" in decoded:  # PostgreSQL cannot hold it
        raise Unusable(f"with a {what} that is not text")
    if len(decoded) > longest:
        raise Unusable(f"with a {what} of more than {longest} characters")
    return decoded.strip()


def film(fields):
    """Return id, title, original title (if it differs), year and minutes of a film's line."""
    tconst, _, primary, original, adult, year, _, minutes, _ = fields
    if adult == b"1":
        raise Unusable("for adults")
    if adult != b"0":  # some lines have a year here, because a tab is missing
        raise Unusable("whose isAdult is neither 0 nor 1")
    tconst = identifier(tconst, b"tt")
    title = text(primary, LONGEST_TITLE, "title")
    original_title = text(original, LONGEST_TITLE, "title")
    if not title:
        raise Unusable("without a title")
    return (
        tconst,
        title,
        original_title if original_title != title else "",
        number(year, YEARS, "year"),
        number(minutes, MINUTES, "running time"),
    )


def films(lines, types, kept, skipped):
    """Yield the films of these types, and add their ids to `kept`."""
    types = {kind.encode() for kind in types}
    for fields in lines:
        if fields[1] not in types:
            skipped["of another type"] += 1
            continue
        try:
            row = film(fields)
        except Unusable as problem:
            skipped[str(problem)] += 1
            continue
        if kept.add(row[0]):
            yield row
        else:
            skipped["listed before"] += 1


def crew(lines, films, directors, skipped):
    """Yield film, place and person for each director of these films, and add them to `directors`.

    A director without an id is unknown; the film keeps its other directors.
    """
    seen = Ids()
    for tconst, listed, _ in lines:
        try:
            title = identifier(tconst, b"tt")
            if title not in films:
                continue
            if not seen.add(title):
                raise Unusable("listed before")
        except Unusable as problem:
            skipped[str(problem)] += 1
            continue
        people = {}  # in their order, each person once
        for nconst in listed.split(b",") if listed not in NOTHING else ():
            try:
                people[identifier(nconst.strip(), b"nm")] = None
            except Unusable:
                skipped["with a director without an id"] += 1
        for place, person in enumerate(people):
            directors.add(person)
            yield title, place, person


def people(lines, wanted, skipped):
    """Yield the id and the name of the wanted people."""
    seen = Ids()
    for nconst, name, *_ in lines:
        try:
            person = identifier(nconst, b"nm")
            if person not in wanted:
                continue
            name = text(name, LONGEST_NAME, "name")
            if not name:
                raise Unusable("without a name")
            if not seen.add(person):
                raise Unusable("listed before")
        except Unusable as problem:
            skipped[str(problem)] += 1
            continue
        yield person, name


def ratings(lines, films, skipped):
    """Yield film, average rating in tenths and number of votes, for these films."""
    seen = Ids()
    for tconst, average, votes in lines:
        try:
            title = identifier(tconst, b"tt")
            if title not in films:
                continue
            points, _, tenths = average.partition(b".")
            rating = number(points + (tenths or b"0"), range(10, 101), "rating")
            votes = number(votes, range(10**9), "number of votes")
            if not seen.add(title):
                raise Unusable("listed before")
        except Unusable as problem:
            skipped[str(problem)] += 1
            continue
        yield title, rating, votes
