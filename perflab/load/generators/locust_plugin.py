"""A plug-in of Locust's, given to it beside the scenario: `-f browse.py,locust_plugin.py`.

It leads the users through the run: one of them alone, then all of them warming up, then all of them
measured. Twice a second it writes what it has counted, as a line of JSON, to a file descriptor that
`locust.py` reads. It imports nothing of the lab's, since it runs in Locust's process.

With `--processes` the users are in other processes, and each counts its own requests. The master
asks all of them whenever it writes a line, and writes the sums.
"""

import gzip
import json
import os
import re
import statistics
from collections import Counter, defaultdict
from time import perf_counter, process_time

import gevent
from locust import TaskSet, events, stats
from locust.html import get_html_report
from locust.runners import MasterRunner, WorkerRunner

TICK_S = 0.5
ENOUGH = 20  # requests of the user who is alone: more are not waited for
PATIENCE = 5  # times the seconds asked for that this user may take at most
ALL_SERVED_S = 30  # the longest warm-up, in which each user should have an answer
ANSWER_S = 2  # time for a worker to send its counts; after it the last known ones are taken
# The report is shown in a sandbox, where a script that reads the browser's storage fails. Its icons
# are files that the lab does not have.
NO_STORAGE = (
    '<script>Object.defineProperty(window, "localStorage", '
    "{value: {getItem: () => null, setItem() {}}})</script>"
)
ICONS = re.compile(r'<link rel="shortcut icon"[^>]*>')
CACHE_ERRORS = re.compile(r'\berrors;desc="([0-9]+)"')
DURATIONS = re.compile(r"\b(total|cpu);dur=([0-9.]+)")


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    """Add the plug-in's options to Locust's, hidden from its web interface."""
    hidden = {"type": float, "default": 0.0, "include_in_web_ui": False}
    parser.add_argument("--watch-fd", **{**hidden, "type": int, "default": -1})
    parser.add_argument("--watch-users", **{**hidden, "type": int, "default": 0})
    parser.add_argument("--watch-alone", help="seconds of one user alone", **hidden)
    parser.add_argument("--watch-warm-up", help="seconds that do not count", **hidden)
    parser.add_argument("--watch-measure", help="seconds that count", **hidden)
    parser.add_argument("--watch-report", **{**hidden, "type": str, "default": ""})


class Watch:
    """Counts what happens since `begin`; times are in ms unless their names end with `_s`."""

    def __init__(self, environment):
        self.environment = environment
        self.options = environment.parsed_options
        self.thinking = {}  # the users who think now, and since when
        self.without_thinking = False  # a user who is alone does not think
        self.begin("none")
        environment.events.request.add_listener(self.on_request)
        environment.events.test_stopping.add_listener(self.on_stopping)
        count_thinking(self)

    def begin(self, phase):
        """Start to count a phase."""
        self.phase, self.started, self.cpu_s = phase, perf_counter(), process_time()
        self.ended = False  # whether the last line of this phase is written
        self.requests = self.failures = self.served = self.cache_errors = 0
        self.sum_ms = self.total_ms = self.cpu_ms = self.thought_s = 0.0
        self.times = Counter()
        self.totals, self.latencies = defaultdict(list), defaultdict(list)  # of one user, by page
        self.user_counts = []
        for who in self.thinking:
            self.thinking[who] = self.started

    def on_request(self, name, response_time, response=None, exception=None, **_):
        """Count a request that was answered, or that failed."""
        self.requests += 1
        self.failures += exception is not None
        self.sum_ms += response_time
        self.times[round(response_time, 1 if response_time < 100 else 0)] += 1
        timing = response.headers.get("Server-Timing", "") if response is not None else ""
        self.cache_errors += sum(map(int, CACHE_ERRORS.findall(timing or "")))
        durations = dict(DURATIONS.findall(timing or ""))
        if "total" in durations:
            self.served += 1
            self.total_ms += float(durations["total"])
            # Under gevent there is no `cpu`: all requests of a worker share one thread.
            self.cpu_ms += float(durations.get("cpu", "nan"))
            if self.phase == "alone":
                self.totals[name].append(float(durations["total"]))
        if self.phase == "alone":
            self.latencies[name].append(response_time)

    def on_stopping(self, **_):
        """Write the last line where a shape has come to its end, and Locust ends with it."""
        if self.environment.shape_class and self.phase == "measured":
            self.write(last=True)

    def write(self, last=False):
        """Write a line of what was counted in this phase."""
        record = self.record()
        if self.ended:
            return
        self.ended = last
        conclusion = getattr(self.environment.shape_class, "conclusion", None)
        record |= {"last": last, "said": conclusion}
        os.write(self.options.watch_fd, json.dumps(record).encode() + b"\n")

    def record(self):
        """Return what was counted since `begin`, as Window.from_json reads it."""
        now = perf_counter()
        self.user_counts.append(self.environment.runner.user_count)
        asleep = sum(now - since for since in self.thinking.values())
        return {
            "phase": self.phase,
            "seconds": now - self.started,
            "users": sum(self.user_counts) / len(self.user_counts),
            "requests": self.requests,
            "failures": self.failures,
            "sum_ms": self.sum_ms,
            "times": sorted(self.times.items()),
            "served": self.served,
            "cache_errors": self.cache_errors,
            "total_ms": self.total_ms,
            "cpu_ms": None if self.cpu_ms != self.cpu_ms else self.cpu_ms,
            "typical_total_ms": typical(self.totals),
            "typical_latency_ms": typical(self.latencies),
            "thought_s": self.thought_s + asleep,
            "generator_cpu_s": process_time() - self.cpu_s,
        }

    def follow(self, phase, seconds, until=lambda: True, at_most=0.0):
        """Watch a phase for `seconds`, then until the condition holds or `at_most` s are over."""
        self.begin(phase)
        self.write()
        while (passed := perf_counter() - self.started) < seconds or (
            not until() and passed < at_most
        ):
            gevent.sleep(min(TICK_S, max(seconds - passed, 0.05)))
            if self.stopped():
                break
            self.write()
        self.write(last=True)

    def stopped(self):
        """Return whether a shape that has come to its end has stopped the users."""
        return self.environment.runner.state in ("stopping", "stopped", "cleanup")

    def lead(self):
        """Lead the users through the whole run."""
        runner, options = self.environment.runner, self.options
        while not runner.user_count:
            gevent.sleep(0.01)
        if self.environment.shape_class:  # the shape chooses the users
            return self.follow("measured", options.watch_measure)
        if options.watch_alone:
            self.without_thinking = True
            self.follow("warming up", min(1.0, options.watch_alone / 2))
            patience = PATIENCE * options.watch_alone
            self.follow("alone", options.watch_alone, lambda: self.requests >= ENOUGH, patience)
            self.without_thinking = False
        if options.watch_measure:
            runner.start(options.watch_users, spawn_rate=min(options.watch_users, 100))
            while runner.user_count < options.watch_users and not self.stopped():
                gevent.sleep(0.01)
            # They all came at once: the queue grows until each of them has had an answer.
            all_served = lambda: self.requests >= options.watch_users  # noqa: E731
            self.follow("warming up", options.watch_warm_up, all_served, ALL_SERVED_S)
            runner.stats.reset_all()  # so that Locust's report has the same requests as our lines
            self.follow("measured", options.watch_measure)
        return None

    def report(self):
        """Write Locust's own HTML report, compressed, where it was asked for."""
        path = self.options.watch_report
        if path:
            page = get_html_report(self.environment, show_download_link=False)
            page = ICONS.sub("", page).replace("<head>", f"<head>{NO_STORAGE}", 1)
            with gzip.open(path, "wt", compresslevel=6) as file:
                file.write(page)


class Master(Watch):
    """Counts what the worker processes have counted, each with a Watch of its own."""

    def begin(self, phase):
        """Start to count a phase, here and in the workers."""
        self.counted = {}  # by each worker in this phase: the last message with its counts
        self.question = 0
        super().begin(phase)
        data = {"phase": phase, "without_thinking": self.without_thinking}
        self.environment.runner.send_message("watch-begin", data)

    def on_counted(self, msg, **_):
        """Keep what a worker has counted in this phase."""
        if msg.data["record"]["phase"] == self.phase:
            self.counted[msg.node_id] = msg.data

    def record(self):
        """Return what all workers have counted since `begin`."""
        runner, deadline = self.environment.runner, perf_counter() + ANSWER_S
        self.question += 1
        question = self.question
        runner.send_message("watch-count", {"question": question})
        while perf_counter() < deadline:
            if sum(c["question"] >= question for c in self.counted.values()) >= runner.worker_count:
                break
            gevent.sleep(0.002)
        own = super().record()
        found = own | sum_of([counted["record"] for counted in self.counted.values()])
        found["generator_cpu_s"] += own["generator_cpu_s"]
        self.requests = found["requests"]
        return found


SUMS = (
    *("requests", "failures", "sum_ms", "served", "total_ms", "thought_s", "generator_cpu_s"),
    "cache_errors",
)


def sum_of(records):
    """Return one record for those of several processes; typical times are those of one user."""
    times, cpu = Counter(), [record["cpu_ms"] for record in records]
    for record in records:
        times.update({ms: count for ms, count in record["times"]})
    busiest = max(records, key=lambda record: record["requests"], default={})
    return {
        **{name: sum(record[name] for record in records) for name in SUMS},
        "times": sorted(times.items()),
        "cpu_ms": None if None in cpu else sum(cpu),
        **{name: busiest.get(name) for name in ("typical_total_ms", "typical_latency_ms")},
    }


def follow_master(watch, runner):
    """Begin each phase when the master does, and send the counts that it asks for."""

    def on_begin(msg, **_):
        watch.without_thinking = msg.data["without_thinking"]
        watch.begin(msg.data["phase"])

    def on_count(msg, **_):
        runner.send_message("watch-counted", {**msg.data, "record": watch.record()})

    runner.register_message("watch-begin", on_begin)
    runner.register_message("watch-count", on_count)


def typical(times):
    """Return the mean time of a request, where each counts with the median time of its page.

    On a busy machine some requests wait for a core, which says nothing of the page. The result is
    None without requests.
    """
    count = sum(map(len, times.values()))
    return sum(len(t) * statistics.median(t) for t in times.values()) / count if count else None


def count_thinking(watch):
    """Have the time between two requests of a user counted, for as long as it really lasted."""

    def sleep(tasks, seconds):
        if watch.without_thinking:
            return gevent.sleep(0)
        watch.thinking[tasks] = perf_counter()
        try:
            gevent.sleep(seconds)
        finally:  # a user who is stopped may be thinking
            watch.thought_s += perf_counter() - watch.thinking.pop(tasks)

    TaskSet._sleep = sleep


@events.init.add_listener
def start_watch(environment, **_):
    """Start to watch where `locust.py` has started Locust, in the master or in a worker."""
    fd, runner = environment.parsed_options.watch_fd, environment.runner
    if fd < 0:
        return
    if isinstance(runner, WorkerRunner):
        os.close(fd)  # its reader must see the end of the master, and not wait for the workers
        return follow_master(Watch(environment), runner)
    distributed = isinstance(runner, MasterRunner)
    watch = Master(environment) if distributed else Watch(environment)
    if distributed:
        runner.register_message("watch-counted", watch.on_counted)
    stats.HISTORY_STATS_INTERVAL_SEC = 1  # a measurement is short: the report's charts need it

    def lead():
        watch.lead()
        watch.report()  # at the end, for it keeps this process busy for a while
        runner.quit()

    gevent.spawn(lead)
    return None
