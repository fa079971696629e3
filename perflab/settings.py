"""perflab's settings. With no environment variable set they make a safe local lab on SQLite.

Every variable that is read here is listed in .env.example and in docs/settings.md.
"""

import contextlib
import os
from pathlib import Path
from urllib.parse import quote

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from perflab.base import addresses, secret_keys
from perflab.base.database_options import move_options, pool_of
from perflab.base.files import is_collected
from perflab.base.sqlite_file import choose_init_command, find_fault_in_sqlite

BASE_DIR = Path(__file__).resolve().parent.parent


def text(name, default=""):
    """Return the text of an environment variable; an empty one counts as not set."""
    return os.environ.get(name, "").strip() or default


def flag(name, default):
    """Return whether an environment variable is 1. It must be 1 or 0."""
    value = text(name, "1" if default else "0")
    if value not in ("0", "1"):
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value == "1"


def refuse(name, fault):
    """End the program if something is wrong with an environment variable."""
    if fault:
        raise ImproperlyConfigured(f"{name} {fault}.")


def choice(name, allowed, default):
    """Return the text of an environment variable that must be one of these."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(allowed)}, not {value[:60]!r}.")
    return value


def items(name):
    """Return what an environment variable lists, separated by commas."""
    return [item.strip() for item in text(name).split(",") if item.strip()]


# The folder for everything that a run leaves behind: database, sockets, logs, static files.
VAR = Path(text("PERFLAB_VAR", str(BASE_DIR / "var"))).resolve()
try:
    VAR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"cannot make the folder {VAR}: {error.strerror}.") from error


def local_secret_key():
    """Return the key of this lab, which is made once and shared by all its workers."""
    path = VAR / "secret_key"
    try:
        return secret_keys.read_or_make_key(path)
    except OSError as error:
        raise ImproperlyConfigured(f"cannot make {path}: {error.strerror}.") from error


# Safety. Others can reach a public lab, so it has no toolbar, low maxima and a real secret key.
PUBLIC = flag("PERFLAB_PUBLIC", False)
HTTPS = flag("PERFLAB_HTTPS", PUBLIC)
DEBUG = flag("DEBUG", False)
SECRET_KEY = text("SECRET_KEY") or ("" if PUBLIC else local_secret_key())
ALLOWED_HOSTS = items("ALLOWED_HOSTS")
# Who is local, and so may change the lab and read traces (perflab.access).
LOCAL = choice("PERFLAB_LOCAL", ("loopback", "never", "always"), "never" if PUBLIC else "loopback")
if PUBLIC:
    if secret_keys.is_weak(SECRET_KEY):
        raise ImproperlyConfigured(
            "a public lab needs a SECRET_KEY of 50 random characters or more: "
            "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )
    refuse("ALLOWED_HOSTS", addresses.find_fault_in_hosts(ALLOWED_HOSTS))
    if DEBUG:
        raise ImproperlyConfigured("a public lab does not run with DEBUG=1.")
    if LOCAL != "never":
        raise ImproperlyConfigured("a public lab trusts no visitor: PERFLAB_LOCAL must be never.")
ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]

# The maxima of the knobs.
MAX_MOVIES = 200 if PUBLIC else 5000  # rows on a page
MAX_ROUND_TRIP_MS = 5 if PUBLIC else 50
MAX_WORK_MS = 200 if PUBLIC else 1000  # what a calibrated page waits or computes
MAX_PAGE_MS = 10_000  # how long the expected queries of a request may take
# A page that takes longer than expected runs no query after this time, and is answered with a 503.
PAGE_DEADLINE_S = 10 if PUBLIC else 20
# A page whose queries are expected to take longer is expensive, and counted while it is under way.
EXPENSIVE_MS = 50 if PUBLIC else 1000

# The name of this Gunicorn, where there are several behind a balancer.
INSTANCE = text("PERFLAB_INSTANCE", text("PORT", "8000"))
# The control socket of this Gunicorn, which gunicorn.conf.py names; "" where there is none.
CONTROL_SOCKET = text("PERFLAB_CONTROL_SOCKET")
# The file in which its workers say what they do (perflab.workers.scoreboard); "" under another
# server.
SCOREBOARD = text("PERFLAB_SCOREBOARD")

# The toolbar. For load runs and published results it is not installed at all.
TOOLBAR = flag("PERFLAB_TOOLBAR", LOCAL != "never")
if PUBLIC and TOOLBAR:
    raise ImproperlyConfigured("a public lab has no debug toolbar: PERFLAB_TOOLBAR must be 0.")

INSTALLED_APPS = [
    "perflab",
    "movies",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    *(["perflab.web.toolbar.app.ToolbarConfig"] if TOOLBAR else []),
]

MIDDLEWARE = [
    "perflab.measure.middleware.ProbeMiddleware",  # first, so that it times all the others
    "perflab.web.middleware.InspectMiddleware",
    "perflab.web.site_cache.UpdateMiddleware",  # keeps what all the others have made
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    *(["perflab.web.toolbar.middleware.ToolbarMiddleware"] if TOOLBAR else []),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "perflab.web.middleware.HostCheckMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "perflab.web.middleware.ErrorPagesMiddleware",
    "perflab.web.site_cache.FetchMiddleware",  # last, where Django's documentation wants it
]

ROOT_URLCONF = "perflab.urls"
WSGI_APPLICATION = "perflab.wsgi.application"
CSRF_FAILURE_VIEW = "perflab.web.errors.csrf_failure"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # for the toolbar's templates
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

# How long a page waits for a PostgreSQL that is silent: for a connection, and for each answer.
DATABASE_CONNECT_TIMEOUT_S = 3
DATABASE_TIMEOUT_S = 8

# Databases: SQLite in var/, or PostgreSQL by DATABASE_URL.
try:
    DATABASES = {
        "default": dj_database_url.parse(
            text("DATABASE_URL", f"sqlite:///{quote(str(VAR / 'perflab.sqlite3'))}"),
            conn_max_age=60,
            conn_health_checks=True,
        )
    }
except ValueError as error:
    raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}") from error
refuse("DATABASE_URL", move_options(DATABASES["default"]))
match DATABASES["default"]["ENGINE"]:
    case "django.db.backends.sqlite3":
        refuse("DATABASE_URL", find_fault_in_sqlite(DATABASES["default"]))
        # With IMMEDIATE a writer waits for another writer; otherwise it would fail.
        DATABASES["default"]["OPTIONS"] = {
            "init_command": choose_init_command(Path(DATABASES["default"]["NAME"])),
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
        }
    case "django.db.backends.postgresql":
        DATABASES["default"]["ENGINE"] = "perflab.postgresql"  # Django's, with time limits
        options = DATABASES["default"].setdefault("OPTIONS", {})
        options.setdefault("connect_timeout", DATABASE_CONNECT_TIMEOUT_S)
        # The same database with two other settings, for the experiment on connections.
        anew = {**DATABASES["default"], "CONN_MAX_AGE": 0, "TEST": {"MIRROR": "default"}}
        without_pool = {name: value for name, value in options.items() if name != "pool"}
        DATABASES["anew"] = {**anew, "OPTIONS": without_pool}
        DATABASES["pooled"] = {**anew, "OPTIONS": {**without_pool, "pool": pool_of(4)}}
    case engine:
        raise ImproperlyConfigured(f"DATABASE_URL names {engine}: use PostgreSQL or SQLite.")

# Caches. Both of CACHES are fronts. "default" chooses one of the backends for each request, and
# "local" always asks the local memory. The backends stand apart: at the end of each request Django
# looks at every cache in CACHES, at 2 µs each.
CACHES = {
    "default": {"BACKEND": "perflab.caches.LabCache"},
    "local": {"BACKEND": "perflab.caches.LabCache", "LOCATION": "locmem"},
}
REDIS_URL = text("REDIS_URL")
MEMCACHED_URL = text("MEMCACHED_URL").removeprefix("memcached://")
CACHE_TIMEOUT_S = 0.2  # how long a page may wait for a cache

CACHE_BACKENDS = {}  # in the form of CACHES
if REDIS_URL:
    from redis import ConnectionPool, RedisError  # only here: it takes 50 ms

    refuse("REDIS_URL", addresses.find_fault_in_redis_url(REDIS_URL))
    try:
        ConnectionPool.from_url(REDIS_URL).make_connection()  # it connects to nothing yet
    except (ValueError, TypeError, RedisError) as error:
        raise ImproperlyConfigured(f"REDIS_URL has a wrong option: {error}.") from error
    CACHE_BACKENDS["redis"] = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "perflab",
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": CACHE_TIMEOUT_S,
            "SOCKET_TIMEOUT": CACHE_TIMEOUT_S,
        },
    }
if MEMCACHED_URL:
    refuse("MEMCACHED_URL", addresses.find_fault_in_memcached_url(MEMCACHED_URL))
    CACHE_BACKENDS["memcached"] = {
        "BACKEND": "perflab.caches.memcached.PyMemcacheCache",
        "LOCATION": MEMCACHED_URL,
        "KEY_PREFIX": "perflab",
        "OPTIONS": {
            "connect_timeout": CACHE_TIMEOUT_S,
            "timeout": CACHE_TIMEOUT_S,
            # A server that failed is asked again at the next call: LabCache decides when that is.
            "retry_attempts": 0,
            "dead_timeout": 0,
        },
    }
CACHE_BACKENDS["locmem"] = {
    "BACKEND": "perflab.caches.local_memory.LocMemCache",
    "LOCATION": "lab",
    # Django's 300 are too few for a page that keeps an entry for each film, in two variants.
    "OPTIONS": {"MAX_ENTRIES": 4 * MAX_MOVIES},
}
# These two always exist, and no knob offers them: an experiment compares them with the others.
CACHE_BACKENDS["file"] = {
    "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
    "LOCATION": VAR / "cache",
}
CACHE_BACKENDS["database"] = {
    "BACKEND": "django.core.cache.backends.db.DatabaseCache",
    "LOCATION": "lab_cache",  # a table, made by a migration
    "OPTIONS": {"MAX_ENTRIES": 1000},  # one more and entries are deleted, by additional queries
}
# The caches that the knob offers. The first one is the default.
LAB_CACHES = [alias for alias in ("redis", "memcached", "locmem") if alias in CACHE_BACKENDS]

# The queue of one experiment, for Django 6.0 and newer, whose tasks have an interface and no queue.
TASKS = {"default": {"BACKEND": "movies.task_queue.DatabaseBackend"}}

# The session is a signed cookie: it needs no query, and every instance can read it.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_HTTPONLY = True
# Browsers send a host's cookies to all of its ports. With Django's own names a visit here would log
# a developer out of the other projects on 127.0.0.1.
SESSION_COOKIE_NAME = "perflab_session"
CSRF_COOKIE_NAME = "perflab_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS

# Browser-side safety.
CSRF_TRUSTED_ORIGINS = items("CSRF_TRUSTED_ORIGINS")
refuse("CSRF_TRUSTED_ORIGINS", addresses.find_fault_in_origins(CSRF_TRUSTED_ORIGINS))
X_FRAME_OPTIONS = "SAMEORIGIN"  # the comparison page frames both variants
SILENCED_SYSTEM_CHECKS = ["security.W019"]  # it demands DENY
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; frame-src 'self'; frame-ancestors 'self'; form-action 'self'; "
    "base-uri 'none'"
)
if HTTPS:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^health/$"]  # a balancer asks each instance, by plain HTTP
    # Gunicorn says whether a visitor came by HTTPS, and believes only its balancer in this
    # (forwarded_allow_ips). With SECURE_PROXY_SSL_HEADER Django would believe every client.
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True

# Static files are hashed and compressed when they are collected. Until then, and when they have
# changed since, they are served as they are.
STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
with contextlib.suppress(OSError):  # a full disk: then they are served from where they lie
    STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {"staticfiles": {"BACKEND": "perflab.web.static_files.LabStaticFilesStorage"}}
STATIC_COLLECTED = is_collected(BASE_DIR / "perflab/static", STATIC_ROOT)
WHITENOISE_USE_FINDERS = not STATIC_COLLECTED

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"  # also for the tables of many-to-many fields

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

DEBUG_TOOLBAR_PANELS = [
    "debug_toolbar.panels.history.HistoryPanel",
    "debug_toolbar.panels.timer.TimerPanel",
    "debug_toolbar.panels.request.RequestPanel",
    "perflab.web.toolbar.panels.SQLPanel",  # repeats reads only
    "perflab.web.toolbar.panels.TemplatesPanel",  # records its own request's templates only
    "perflab.web.toolbar.panels.CachePanel",
    "debug_toolbar.panels.headers.HeadersPanel",
    "debug_toolbar.panels.versions.VersionsPanel",
]
DEBUG_TOOLBAR_CONFIG = {
    "SHOW_TOOLBAR_CALLBACK": "perflab.access.show_toolbar",
    "SHOW_COLLAPSED": True,
    "IS_RUNNING_TESTS": False,
    # Panels are stored in files, since any worker may be asked for a panel of another one's page.
    "TOOLBAR_STORE_CLASS": "perflab.web.toolbar.store.FolderStore",
    "RESULTS_CACHE_SIZE": 200,
    # So the stack of a query shows little more than the line of the experiment.
    "HIDE_IN_STACKTRACES": (
        *("__main__", "debug_toolbar", "django"),
        *("gunicorn", "perflab", "runpy", "whitenoise"),
    ),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"refusals": {"()": "perflab.web.log.RefusalsInOneLine"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["refusals"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
