"""Where the lab's CSS and JS come from."""

from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class LabStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Hashed, compressed names once `collectstatic` has run, plain ones before that.

    So a checkout on which nobody has run it yet shows its pages all the same.
    """

    support_js_module_import_aggregation = True  # modules import each other's hashed names

    def url(self, name, force=False):
        if not self.hashed_files:
            return StaticFilesStorage.url(self, name)
        return super().url(name, force)
