"""Figures of load runs as the terminal writes them."""

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe

from perflab.base.messages import count_of
from perflab.load.tables import format_figure
from perflab.load.wording import describe_point
from perflab.measure.stats import format_ratio

register = template.Library()


@register.filter
def figure(value, digits=1):
    """Return a figure rounded as in the terminal; a dash where there is none."""
    return format_figure(value if isinstance(value, int | float) else None, digits)


@register.filter
def ratio(value):
    """Return a ratio, or an end of its interval, with two significant digits."""
    return format_ratio(value)


@register.filter
def signed(number):
    """Return a whole number with its sign, which is a minus and no hyphen."""
    return f"{number:+d}".replace("-", "−")


@register.filter
def counted(number, noun):
    """Return a number with its noun, which is given in the plural: "1 worker", "2 workers"."""
    return f"– {noun}" if number is None else count_of(number, noun)


@register.filter
def point_name(point):
    """Return what a point of a load run is, such as "fast 2 workers with 8 users"."""
    return describe_point(point)


@register.filter
def options(text):
    """Return a sentence whose options (`--duration`) are code, which no line end divides."""
    words = re.sub(r"(?<!\S)(--[a-z-]+)", r"<code>\1</code>", str(conditional_escape(text)))
    return mark_safe(words)  # escaped above
