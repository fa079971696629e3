"""Locust's side of a load run: it is given to Locust beside the scenario, as `-f browse.py,this`.

It leads the users through the run: one of them alone, then all of them warming up, then all of them
measured. Twice a second it writes what it has counted, as a line of JSON, to a file descriptor that
`by_locust` reads. It imports nothing of ours, since it runs in Locust's process.

With `--processes` the users are in other processes: each counts its own, and the master, which asks
them all whenever it writes a line, has the sum.
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
ENOUGH = 20  # requests of the user who is alone
PATIENCE = 5  # times as long as asked he may take for them
ALL_SERVED_S = 30  # at most, until each user may have had an answer
ANSWER_S = 2  # that a worker may take to tell its counts; after it the last ones are taken
# The report is shown in a sandbox, where asking for the browser's storage is an error. Its icons
# are files that are not there.
NO_STORAGE = (
    '<script>Object.defineProperty(window, "localStorage", '
    "{value: {getItem: () => null, setItem() {}}})</script>"
)
ICONS = re.compile(r'<link rel="shortcut icon"[^>]*>')
DURATIONS = re.compile(r"\b(total|cpu);dur=([0-9.]+)")


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    hidden = {"type": float, "default": 0.0, "include_in_web_ui": False}
    parser.add_argument("--watch-fd", **{**hidden, "type": int, "default": -1})
    parser.add_argument("--watch-users", **{**hidden, "type": int, "default": 0})
    parser.add_argument("--watch-alone", help="seconds of one user alone", **hidden)
    parser.add_argument("--watch-warm-up", help="seconds of all users that do not count", **hidden)
    parser.add_argument("--watch-measure", help="seconds of all users that do", **hidden)
    parser.add_argument("--watch-report", **{**hidden, "type": str, "default": ""})


class Watch:
    """What happened since `begin`; times in ms unless they are called seconds."""

    def __init__(self, environment):
        self.environment = environment
        self.options = environment.parsed_options
        self.thinking = {}  # who thinks now, and since when
        self.hurried = False  # whoever is alone does not think
        self.begin("none")
        environment.events.request.add_listener(self.on_request)
        environment.events.test_stopping.add_listener(self.on_stopping)
        think_with(self)

    def begin(self, phase):
        self.phase, self.begun, self.cpu_s = phase, perf_counter(), process_time()
        self.ended = False  # whether the last line of this phase is out
        self.requests = self.failures = self.served = 0
        self.sum_ms = self.total_ms = self.cpu_ms = self.thought_s = 0.0
        self.times = Counter()
        self.totals, self.latencies = defaultdict(list), defaultdict(list)  # of one alone, by page
        self.user_counts = []
        for who in self.thinking:
            self.thinking[who] = self.begun

    def on_request(self, name, response_time, response=None, exception=None, **_):
        self.requests += 1
        self.failures += exception is not None
        self.sum_ms += response_time
        self.times[round(response_time, 1 if response_time < 100 else 0)] += 1
        timing = response.headers.get("Server-Timing", "") if response is not None else ""
        durations = dict(DURATIONS.findall(timing or ""))
        if "total" in durations:
            self.served += 1
            self.total_ms += float(durations["total"])
            # Left out under gevent, where a thread's CPU is everybody's.
            self.cpu_ms += float(durations.get("cpu", "nan"))
            if self.phase == "alone":
                self.totals[name].append(float(durations["total"]))
        if self.phase == "alone":
            self.latencies[name].append(response_time)

    def on_stopping(self, **_):
        """A shape has come to its end, and Locust ends with it: tell what there is."""
        if self.environment.shape_class and self.phase == "measured":
            self.tell(last=True)

    def tell(self, last=False):
        record = self.record()
        if self.ended:
            return
        self.ended = last
        said = getattr(self.environment.shape_class, "conclusion", None)
        record |= {"last": last, "said": said}
        os.write(self.options.watch_fd, json.dumps(record).encode() + b"\n")

    def record(self):
        """What was counted since `begin`, as `window` reads it."""
        now = perf_counter()
        self.user_counts.append(self.environment.runner.user_count)
        asleep = sum(now - since for since in self.thinking.values())
        return {
            "phase": self.phase,
            "seconds": now - self.begun,
            "users": sum(self.user_counts) / len(self.user_counts),
            "requests": self.requests,
            "failures": self.failures,
            "sum_ms": self.sum_ms,
            "times": sorted(self.times.items()),
            "served": self.served,
            "total_ms": self.total_ms,
            "cpu_ms": None if self.cpu_ms != self.cpu_ms else self.cpu_ms,
            "typical_total_ms": typical(self.totals),
            "typical_latency_ms": typical(self.latencies),
            "thought_s": self.thought_s + asleep,
            "generator_cpu_s": process_time() - self.cpu_s,
        }

    def follow(self, phase, seconds, until=lambda: True, at_most=0.0):
        """Watch a phase for so long, and on until the condition holds or `at_most` is over."""
        self.begin(phase)
        self.tell()
        while (passed := perf_counter() - self.begun) < seconds or (
            not until() and passed < at_most
        ):
            gevent.sleep(min(TICK_S, max(seconds - passed, 0.05)))
            if self.stopped():
                break
            self.tell()
        self.tell(last=True)

    def stopped(self):
        """Whether the users were stopped by somebody else: a shape that has come to its end."""
        return self.environment.runner.state in ("stopping", "stopped", "cleanup")

    def conduct(self):
        """The whole run, from its first user on."""
        runner, options = self.environment.runner, self.options
        while not runner.user_count:
            gevent.sleep(0.01)
        if self.environment.shape_class:  # it chooses its users itself
            return self.follow("measured", options.watch_measure)
        if options.watch_alone:
            self.hurried = True
            self.follow("warming up", min(1.0, options.watch_alone / 2))
            patience = PATIENCE * options.watch_alone
            self.follow("alone", options.watch_alone, lambda: self.requests >= ENOUGH, patience)
            self.hurried = False
        if options.watch_measure:
            runner.start(options.watch_users, spawn_rate=min(options.watch_users, 100))
            while runner.user_count < options.watch_users and not self.stopped():
                gevent.sleep(0.01)
            # They all came at once: until each has had an answer the queue is still growing.
            all_served = lambda: self.requests >= options.watch_users  # noqa: E731
            self.follow("warming up", options.watch_warm_up, all_served, ALL_SERVED_S)
            runner.stats.reset_all()  # its own report is to tell of the same requests as we do
            self.follow("measured", options.watch_measure)
        return None

    def report(self):
        """Write Locust's own HTML report, compressed, where we were asked to."""
        path = self.options.watch_report
        if path:
            page = get_html_report(self.environment, show_download_link=False)
            page = ICONS.sub("", page).replace("<head>", f"<head>{NO_STORAGE}", 1)
            with gzip.open(path, "wt", compresslevel=6) as file:
                file.write(page)


class Master(Watch):
    """A watch whose users are in worker processes, each with a watch of its own."""

    def begin(self, phase):
        self.told = {}  # by each worker in this phase, the last that it told
        self.question = 0
        super().begin(phase)
        data = {"phase": phase, "hurried": self.hurried}
        self.environment.runner.send_message("watch-begin", data)

    def on_told(self, msg, **_):
        if msg.data["record"]["phase"] == self.phase:
            self.told[msg.node_id] = msg.data

    def record(self):
        runner, deadline = self.environment.runner, perf_counter() + ANSWER_S
        self.question += 1
        question = self.question
        runner.send_message("watch-tell", {"question": question})
        while perf_counter() < deadline:
            if sum(t["question"] >= question for t in self.told.values()) >= runner.worker_count:
                break
            gevent.sleep(0.002)
        mine = super().record()
        found = mine | summed([told["record"] for told in self.told.values()])
        found["generator_cpu_s"] += mine["generator_cpu_s"]
        self.requests = found["requests"]
        return found


SUMS = ("requests", "failures", "sum_ms", "served", "total_ms", "thought_s", "generator_cpu_s")


def summed(records):
    """One record's counts of those of several processes; what is typical is so of one user's."""
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


def obey(watch, runner):
    """In a worker: begin when the master does, and tell it what it asks for."""

    def on_begin(msg, **_):
        watch.hurried = msg.data["hurried"]
        watch.begin(msg.data["phase"])

    def on_tell(msg, **_):
        runner.send_message("watch-told", {**msg.data, "record": watch.record()})

    runner.register_message("watch-begin", on_begin)
    runner.register_message("watch-tell", on_tell)


def typical(times):
    """The mean request, where every request to a page takes what the middle one to it took.

    On a busy machine some requests wait for a core, which is not the page's doing. None of none.
    """
    count = sum(map(len, times.values()))
    return sum(len(t) * statistics.median(t) for t in times.values()) / count if count else None


def think_with(watch):
    """Have every wait between two requests counted, for as long as it really lasted."""

    def sleep(tasks, seconds):
        if watch.hurried:
            return gevent.sleep(0)
        watch.thinking[tasks] = perf_counter()
        try:
            gevent.sleep(seconds)
        finally:  # a user who is stopped leaves in the midst of it
            watch.thought_s += perf_counter() - watch.thinking.pop(tasks)

    TaskSet._sleep = sleep


@events.init.add_listener
def watch_over(environment, **_):
    fd, runner = environment.parsed_options.watch_fd, environment.runner
    if fd < 0:
        return
    if isinstance(runner, WorkerRunner):
        os.close(fd)  # who reads it is to see when the master ends
        return obey(Watch(environment), runner)
    distributed = isinstance(runner, MasterRunner)
    watch = Master(environment) if distributed else Watch(environment)
    if distributed:
        runner.register_message("watch-told", watch.on_told)
    stats.HISTORY_STATS_INTERVAL_SEC = 1  # in its report's charts a point of ours is a few seconds

    def conduct():
        watch.conduct()
        watch.report()  # after all that is measured: it keeps this process busy for a while
        runner.quit()

    gevent.spawn(conduct)
    return None
