"""Messages that people read on one line."""


def one_line(text: object) -> str:
    """Return the text of an error or an argument without its line breaks."""
    return " ".join(str(text).split())
