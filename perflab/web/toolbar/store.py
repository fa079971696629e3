"""The debug toolbar's store. Any worker can show the panels of any page from it.

Each request has a folder, and each panel a file in it. The file is signed, since the toolbar shows
what it reads without looking at it, and runs its statements. A file that is cut off, changed, of
another request or of another version of the toolbar counts as missing.

All files together have a limit, and so has each panel: of a larger one only the size is kept.

There is no index of all requests: the toolbar's own CacheStore has one and rewrites it at each
step, so several workers overwrite each other's entries, and a page loses its panels now and then.
"""

import re
import shutil
from contextlib import suppress

from debug_toolbar import VERSION
from debug_toolbar.settings import get_config
from debug_toolbar.store import BaseStore, deserialize, serialize
from django.conf import settings
from django.core.signing import Signer
from django.utils.crypto import constant_time_compare

from perflab.base.files import keep_newest, newest_first, read_json, write_json

FOLDER = settings.VAR / "toolbar"
REQUEST_ID = re.compile("[0-9a-f]{32}")
# So many requests are kept that are not listed any more. The History panel asks for the panels of a
# request some time after it was listed.
SPARE = 50
MAX_BYTES = 64_000_000  # of all that is kept
MAX_PANEL_BYTES = 16_000_000  # the largest of a lesson with all 1,851 real films has 14 million
LARGE_BYTES = 250_000  # such a panel makes room at once, any other one when the next request begins
LEFT_OUT = "left_out_bytes"  # all that is kept of a panel that is too large


class FolderStore(BaseStore):
    """Keep the panels in var/toolbar.

    Where the disk is full or the folder is gone, a page loses its panels and is answered all the
    same.
    """

    @classmethod
    def request_ids(cls):
        """Return the ids of the requests to list, the oldest first."""
        return _by_age()[-get_config()["RESULTS_CACHE_SIZE"] :]

    @classmethod
    def exists(cls, request_id):
        # The id comes from an address: it must not name any other folder.
        return bool(REQUEST_ID.fullmatch(request_id)) and _folder(request_id).is_dir()

    @classmethod
    def set(cls, request_id):
        """Make the folder of a request, and delete the oldest folders."""
        with suppress(OSError):
            _folder(request_id).mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_room()

    @classmethod
    def delete(cls, request_id):
        shutil.rmtree(_folder(request_id), ignore_errors=True)

    @classmethod
    def clear(cls):
        shutil.rmtree(FOLDER, ignore_errors=True)

    @classmethod
    def save_panel(cls, request_id, panel_id, data=None):
        text = serialize(data)
        if len(text) > MAX_PANEL_BYTES:
            text = serialize({LEFT_OUT: len(text)})
        signed = {"signature": _sign(request_id, panel_id, text), "panel": text}
        with suppress(OSError):
            write_json(_path(request_id, panel_id), signed)
            if len(text) > LARGE_BYTES:
                _make_room()

    @classmethod
    def panel(cls, request_id, panel_id):
        """Return what a panel has saved; an empty dict where it is not kept."""
        signed = read_json(_path(request_id, panel_id), dict, {})
        text, signature = signed.get("panel"), signed.get("signature")
        if not isinstance(text, str) or not isinstance(signature, str):
            return {}
        try:
            if constant_time_compare(signature, _sign(request_id, panel_id, text)):
                return deserialize(text) or {}
        except UnicodeEncodeError:  # half of a character, which JSON can hold
            pass
        return {}


def _sign(request_id, panel_id, text):
    """Return the signature of a panel's text, which no other panel or request shares."""
    return Signer(salt=f"perflab.toolbar {VERSION} {request_id} {panel_id}").signature(text)


def _make_room():
    """Delete the oldest requests, so that neither too many nor too large ones are kept."""
    keep_newest(FOLDER, "[0-9a-f]*", get_config()["RESULTS_CACHE_SIZE"] + SPARE, MAX_BYTES)


def _path(request_id, panel_id):
    return _folder(request_id) / f"{panel_id}.json"


def _folder(request_id):
    return FOLDER / request_id


def _by_age():
    """Return the ids of all kept requests; the one that was written last stands at the end."""
    found = reversed(newest_first(FOLDER, "[0-9a-f]*"))
    return [path.name for path in found if REQUEST_ID.fullmatch(path.name)]
