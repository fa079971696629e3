"""What each of Gunicorn's workers is doing, in a small file that all of them share.

Gunicorn's master makes the file and gives each worker a slot in it. A worker maps the file into its
memory and writes into its own slot before and after each request, without a lock. Everybody else
reads the file:

    for slot in scoreboard.read(path):
        print(slot.pid, slot.state, slot.requests)

`layout` says where everything stands in the file, `reading` and `writing` do what their names say,
`latency` counts how long visitors waited, and `sockets` asks the kernel who waits for a worker.
This folder needs only the standard library and perflab/base/files.py: copy both into a project of
yours, with the hooks in gunicorn.conf.py.
"""

from .expensive import TooMany, expensive_page, set_own_slot
from .latency import Latency
from .reading import NoScoreboard, Slot, Snapshot, read, snapshot
from .sockets import count_waiting_connections, queue_time_ns, set_listening_sockets
from .writing import Scoreboard, SlotWriter, remove_orphans

__all__ = [
    "Latency",
    "NoScoreboard",
    "Scoreboard",
    "Slot",
    "SlotWriter",
    "TooMany",
    "Snapshot",
    "expensive_page",
    "set_own_slot",
    "count_waiting_connections",
    "queue_time_ns",
    "read",
    "remove_orphans",
    "set_listening_sockets",
    "snapshot",
]
