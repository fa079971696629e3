"""What machine this is, and what lab runs on it: without that a figure says nothing."""

import platform
import re
import subprocess
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.db import connection

from perflab.base.config import count_cores


def machine() -> dict:
    """Processor, cores that this process may use, and operating system."""
    return {
        "cpu": cpu(),
        "cores": count_cores(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def cpu() -> str:
    """The processor's name as its maker writes it, or else its architecture."""
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


def lab() -> dict:
    """The lab in this process: its versions, what bends a timing, and how much data it has.

    Raises django.db.Error when the database does not answer.
    """
    return {
        "database": database(),
        "django": django.get_version(),
        "python": platform.python_version(),
        "toolbar": settings.TOOLBAR,  # installed: even idle it costs a page some
        "rows": {
            model._meta.object_name: model.objects.count()
            for model in apps.get_models()
            if not model.__module__.startswith("django.")
        },
    }


def database() -> str:
    """The database and its version, such as "PostgreSQL 15.14"."""
    connection.ensure_connection()
    version = connection.get_database_version()
    return f"{connection.display_name} {'.'.join(str(part) for part in version)}"
