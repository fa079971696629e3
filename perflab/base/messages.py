"""Messages that people read on one line."""


def one_line(text: object) -> str:
    """Return the text of an error or an argument without its line breaks."""
    return " ".join(str(text).split())


def count_of(number: float, noun: str) -> str:
    """Return a number with its noun, which is given in the plural: "1 worker", "2 workers"."""
    return f"{number} {noun if number != 1 else noun.removesuffix('s')}"
