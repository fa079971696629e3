"""Where the debug toolbar keeps what it saw, so that any worker can show any page's panels.

A folder for each request, a file in it for each panel, and no index of them all: the toolbar's own
CacheStore rewrites a list of every request at each step, so that of several workers one undoes
what another has just written, and now and then a page loses its panels.
"""

import re
import shutil
from contextlib import suppress

from debug_toolbar.settings import get_config
from debug_toolbar.store import BaseStore, deserialize, serialize
from django.conf import settings

from perflab.base.files import keep_newest, newest_first, write_text

from .errors import error_page

FOLDER = settings.VAR / "toolbar"
REQUEST_ID = re.compile("[0-9a-f]{32}")
# Kept beyond those that are listed: History asks for each one's panels after it was listed.
SPARE = 50


class FolderStore(BaseStore):
    """The toolbar's store, in var/toolbar.

    It gives up quietly where the disk is full or the folder is gone: that costs a page its panels,
    not its answer.
    """

    @classmethod
    def request_ids(cls):
        """The requests to list, oldest first."""
        return _by_age()[-get_config()["RESULTS_CACHE_SIZE"] :]

    @classmethod
    def exists(cls, request_id):
        # The id comes from an address: it must not name any other folder.
        return bool(REQUEST_ID.fullmatch(request_id)) and _folder(request_id).is_dir()

    @classmethod
    def set(cls, request_id):
        """Make room for a request, and end that of the oldest ones."""
        with suppress(OSError):
            _folder(request_id).mkdir(mode=0o700, parents=True, exist_ok=True)
            keep_newest(FOLDER, "[0-9a-f]*", get_config()["RESULTS_CACHE_SIZE"] + SPARE)

    @classmethod
    def delete(cls, request_id):
        shutil.rmtree(_folder(request_id), ignore_errors=True)

    @classmethod
    def clear(cls):
        shutil.rmtree(FOLDER, ignore_errors=True)

    @classmethod
    def save_panel(cls, request_id, panel_id, data=None):
        with suppress(OSError):
            write_text(_folder(request_id) / f"{panel_id}.json", serialize(data))

    @classmethod
    def panel(cls, request_id, panel_id):
        """What a panel has saved; an empty dict where it has saved nothing."""
        try:
            return deserialize((_folder(request_id) / f"{panel_id}.json").read_text())
        except OSError:
            return {}


class UnknownPanelMiddleware:
    """404, not 500, for an address of the toolbar's that names no panel or none that there is."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if request.path_info.startswith("/__debug__/") and isinstance(exception, KeyError):
            return error_page(request, 404, "The toolbar has no such panel")
        return None


def _folder(request_id):
    return FOLDER / request_id


def _by_age():
    """Return the ids of all requests kept, the one that was written to last at the end."""
    found = reversed(newest_first(FOLDER, "[0-9a-f]*"))
    return [path.name for path in found if REQUEST_ID.fullmatch(path.name)]
