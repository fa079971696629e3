"""The files that the page of the small site names: the lab's own scripts, as they are."""

from django.contrib.staticfiles import finders
from django.http import HttpResponse, HttpResponseNotFound

FOLDER = "perflab/js/compare"
SCRIPTS = ("burst", "cell", "check", "clear", "client", "difference", "drawings", "export")
SCRIPTS += ("facts", "figure", "figures", "frames", "guess", "headline", "judgement", "knobs")
SCRIPTS += ("lanes", "main", "others", "page", "results", "rounds", "run", "setup")
FILES = tuple(f"{name}.js" for name in SCRIPTS)
BUNDLE = ("all.js",)  # all of these in one file


def file(request, name):
    """A view of one file, or of the bundle."""
    names = FILES if name in BUNDLE else (name,)
    if not set(names) <= set(FILES):
        return HttpResponseNotFound()
    text = "".join(read(one) for one in names)
    return HttpResponse(text, content_type="text/javascript")


def read(name):
    """Return the text of one file."""
    with open(finders.find(f"{FOLDER}/{name}")) as script:
        return script.read()
