"""A lab with servers of its own for all its parts, which a test breaks one after the other."""

import shutil

from tests.support import services
from tests.support.disks import SmallDisk, on_small_disk
from tests.support.fault_table import CLASSES
from tests.support.labs import Lab
from tests.support.services import or_skip

SIZE = "40m"  # of the small disk: the database has 6 MB


class Stand:
    """A lab of one worker class on one database, with servers of its own for all its parts."""

    def __init__(self, worker_class, database, seeded, opened):
        self.parts = {"redis": or_skip(services.Redis), "memcached": or_skip(services.Memcached)}
        opened.callback(lambda: [server.remove() for server in reversed(self.parts.values())])
        options = {"REDIS_URL": self.parts["redis"].url, "PERFLAB_TOOLBAR": "0"}
        options["MEMCACHED_URL"] = self.parts["memcached"].url
        shape = CLASSES[worker_class]
        if database == "impatient":
            shape = {**shape, "workers": 2}
            shape["arguments"] = (*shape.get("arguments", ()), "--timeout", "4")
        elif database in ("postgresql", "pgbouncer"):
            server = self.parts["postgresql"] = or_skip(services.PostgreSQL)
            if database == "pgbouncer":
                pooler = self.parts["pgbouncer"] = or_skip(services.PgBouncer, server)
                server = pooler
            options["DATABASE_URL"] = server.url + "?disable_server_side_cursors=1"
        self.lab = Lab(seeded, **shape, **options)
        self.file = self.lab.var / "perflab.sqlite3"
        self.var = self.lab.var  # as the lab sees it
        if database == "small":
            self.lab.prefix = or_skip(on_small_disk, self.lab.var, SIZE)
            opened.callback(shutil.rmtree, f"{self.lab.var}.disk", ignore_errors=True)
        opened.enter_context(self.lab)
        if database == "small":
            self.disk = SmallDisk(self.lab.process.pid, self.lab.var)
            self.var = self.disk.seen
