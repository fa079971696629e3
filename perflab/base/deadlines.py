"""What ends a page that takes too long, before its worker is killed for it."""


class OutOfTime(Exception):
    """The deadline of a page is over. The middleware answers with a 503 page."""
