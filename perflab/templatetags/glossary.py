"""The glossary on a page: a word that explains itself where it stands, and the list of all."""

from django import template

from perflab.web.glossary import WORDS

register = template.Library()


@register.inclusion_tag("perflab/glossary/_word.html")
def word(name, label="", place=""):
    """Return a word of the glossary as a button that opens its explanation.

    `label` is what the page says instead of the word itself. A word that stands on a page more than
    once needs a `place` for each, since ids must differ. Raises KeyError where there is no such
    word.
    """
    words = ["word", *name.split(), *([str(place)] if place else [])]
    return {"id": "-".join(words), "label": label or name, "meaning": WORDS[name]}


@register.inclusion_tag("perflab/glossary/_words.html")
def glossary():
    """Return a button that opens the whole glossary."""
    return {"words": WORDS}
