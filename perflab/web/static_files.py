"""Where the lab's CSS and JS come from."""

from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class LabStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Serve hashed and compressed files once `collectstatic` has run, and plain files before.

    So a fresh checkout shows its pages too, and one with newer files than those collected.
    """

    support_js_module_import_aggregation = True  # modules import each other's hashed names

    def url(self, name, force=False):
        if not (settings.STATIC_COLLECTED and self.hashed_files):
            return StaticFilesStorage.url(self, name)
        return super().url(name, force)
