"""Test where sockets lie when a path is too long for them."""

import os
import shutil

from perflab.base import paths


def test_somebody_elses_folder_for_sockets_is_not_used(tmp_path):
    var = tmp_path / ("long" * 30)
    var.mkdir()
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (var / "sockets").write_text(str(open_to_all))

    path = paths.socket_path(var, "name.sock")

    try:
        assert path.parent != open_to_all
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert paths.socket_path(var, "other.sock").parent == path.parent
        assert len(os.fsencode(path)) <= 100
    finally:
        shutil.rmtree(path.parent)
