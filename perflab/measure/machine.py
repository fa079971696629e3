"""The machine and the lab that were measured: without them a figure says nothing."""

import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import django
import psutil
from django.apps import apps
from django.conf import settings
from django.db import connection

from perflab.base.config import count_cores


def describe_machine() -> dict[str, Any]:
    """Return the processor, the cores that this process may use, and the operating system."""
    return {
        "cpu": processor_name(),
        "cores": count_cores(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def processor_name() -> str:
    """Return the processor's name as its maker writes it, or else its architecture."""
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found[1]
    except OSError:  # not Linux
        pass
    try:
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]  # macOS
        name = subprocess.run(command, capture_output=True, text=True, timeout=2).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        name = ""
    return name or platform.processor() or platform.machine()


def describe_lab() -> dict[str, Any]:
    """Return this process's lab: its versions, what slows a page down, and its numbers of rows.

    Raises django.db.Error when the database does not answer.
    """
    return {
        "database": describe_database(),
        "django": django.get_version(),
        "python": platform.python_version(),
        "toolbar": settings.TOOLBAR,  # is it installed? A request may be inspected
        "rows": {
            model._meta.object_name: model._default_manager.count()
            for model in apps.get_models()
            if not model.__module__.startswith("django.")
        },
    }


def describe_database() -> str:
    """Return the database and its version, such as "PostgreSQL 15.14"."""
    connection.ensure_connection()
    version = connection.get_database_version()
    return f"{connection.display_name} {'.'.join(str(part) for part in version)}"


def total_cpu_s(times: Any) -> float:
    """Return the seconds in all of a core's states, from psutil.cpu_times().

    On Linux the time of virtual machines stands in `user` and `nice` too, so it is taken off once.
    """
    return float(sum(times) - getattr(times, "guest", 0) - getattr(times, "guest_nice", 0))


def busy_cpu_s(times: Any) -> float:
    """Return the seconds in which a core worked, from psutil.cpu_times().

    Those that a neighbouring virtual machine took (`steal`) are among them.
    """
    return float(total_cpu_s(times) - times.idle - getattr(times, "iowait", 0))


def machine_busy_cpu_s() -> float:
    """Return the CPU seconds that all programs on this machine have used so far."""
    return busy_cpu_s(psutil.cpu_times())
