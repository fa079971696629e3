"""Figures of load runs as the terminal writes them."""

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe

from perflab.load.tables import shown

register = template.Library()


@register.filter
def figure(value, digits=1):
    """A figure rounded as in the terminal; a dash where there is none."""
    return shown(value if isinstance(value, int | float) else None, digits)


@register.filter
def signed(number):
    """A whole number with its sign, which is a minus and no hyphen."""
    return f"{number:+d}".replace("-", "−")


@register.filter
def options(text):
    """A sentence whose options (`--duration`) are code, which does not break."""
    words = re.sub(r"(?<!\S)(--[a-z-]+)", r"<code>\1</code>", str(conditional_escape(text)))
    return mark_safe(words)  # escaped above
