"""The words for what a run shows: the only place where findings become sentences. Pure."""

from perflab.base.messages import count_of
from perflab.measure.stats import format_ratio

# What makes figures less reliable than they look.
WARNINGS = {
    "cost_unsure": (
        "other programs had the cores while one user was alone: whether a request is CPU-bound or "
        "I/O-bound is not known, and the theoretical line may be too low"
    ),
    "failures": "answers failed: they count as requests here, and are often fast",
    "generator_bound": (
        "{generator} was busy for more than half of what it can do and measured itself too: read "
        "the throughput as a lower bound, the latency as an upper one"
    ),
    "few_samples": (
        "there are too few samples for a p95, which should rest on 10 slower requests: measure "
        "with a longer --duration"
    ),
    "little_error": (
        "Little's law does not hold, so the users were not always waiting or thinking: the "
        "generator was late, or the run too short"
    ),
    "other_programs": (
        "other programs, a database and a cache among them, used the machine's cores as well"
    ),
    "open_late": (
        "the open loop could not keep its schedule and sent requests up to {latest_ms:,.0f} ms "
        "late, which is in its latencies"
    ),
    "open_failures": "answers of the open loop failed or did not come",
}


def describe_verdict(findings, points):
    """Return a line for each finding of a load run, or why its points have none."""
    if not findings:
        is_partial = any(point.partial for point in points)
        return "No point was measured to its end." if is_partial else "Nothing was answered."
    return "\n".join(map(describe_finding, findings))


def describe_finding(finding):
    """Return what one curve, or one point, shows: a sentence that says first which curve it is."""
    beside = [count_of(number, noun) for number, noun in finding.beside]
    curve = ", ".join(filter(None, (finding.variant, *beside, finding.kind)))
    sentence = SENTENCES[finding.code](finding)
    line = f"{curve}: {sentence}." if curve else f"{sentence}."
    return line[0].upper() + line[1:]


def describe_single(finding):
    """Return the throughput of one point beside the theoretical one."""
    point = finding.at
    if finding.share is None:
        return describe_rate(point) + describe_caveats(finding)
    workers = count_of(point.workers or 0, "workers")
    limited_by = {
        "slots": f"{workers} can serve",
        "processes": f"{workers} can compute",
        "cores": f"{count_of(finding.cores, 'cores')} can compute",
        "users": f"{count_of(point.users, 'users')} can ask for",
    }[point.limit]
    return (
        f"{describe_rate(point)}, {describe_share(finding.share)} of the "
        f"{point.expected_per_s:,.1f} that {limited_by}{describe_caveats(finding)}"
    )


def describe_rise(finding):
    """Return how near a point that still rises comes to the theoretical line."""
    point = finding.at
    at = count_of(getattr(point, finding.axis), finding.axis)
    rate, caveats = describe_rate(point), describe_caveats(finding)
    start = f"throughput still rises at {at}"
    if finding.share is None:
        return f"{start}, {rate}{caveats}"
    share = f"{describe_share(finding.share)} of the theoretical line"
    if finding.code == "rises":
        return f"{start}, {rate}, {share}{caveats}"
    unknown = ", and the figures do not show why"
    return f"{start}, but falls short: {rate} are {share}{caveats or unknown}"


def describe_knee(finding):
    """Return from where on more workers or threads gain hardly anything."""
    axis, last, best = finding.axis, finding.last, finding.best
    at = getattr(finding.at, axis)
    reason = describe_reason(finding)
    caveats = describe_caveats(finding)
    start = f"the knee is at {count_of(at, axis)}"
    if finding.code == "no_gain":
        start = f"more {axis} than {at} {'do not help' if finding.gets_less else 'gain nothing'}"
    if not finding.gets_less:
        return f"{start}{reason}{caveats}"
    return (
        f"{start}{reason}; {count_of(getattr(last, axis), axis)} give less, "
        f"{last.requests_per_s:,.1f} after {describe_rate(best)}{caveats}"
    )


def describe_reason(finding):
    """Return why more workers or threads do not help, as the end of a sentence."""
    point = finding.at
    return {
        None: "",
        "users": f", because {count_of(point.users, 'users')} cannot ask for more",
        "processes": (
            f", because {count_of(point.workers or 0, 'workers')} can compute on no more cores"
        ),
        "your_cores": ", your cores",
        "cores": f" on {count_of(finding.cores, 'cores')}",
    }[finding.reason]


def describe_saturation(finding):
    """Return where more users no longer get more answers, and what they get instead."""
    at, last = finding.at, finding.last
    get = f"get less, {describe_rate(last)}" if finding.gets_less else "get no more"
    waits = ""
    if None not in (at.p95_ms, last.p95_ms):
        waits = f", while p95 goes from {at.p95_ms:,.0f} to {last.p95_ms:,.0f} ms"
    return (
        f"saturated from {count_of(at.users, 'users')} on at {describe_rate(at)}; "
        f"{count_of(last.users, 'users')} {get}{waits}{describe_caveats(finding)}"
    )


# Why there is no verdict, and what to do.
OBSTACLES = {
    "failures": (
        "{number:,} requests failed",
        "see in the report, or with curl, what the lab answers them",
    ),
    "cache_errors": (
        "the cache did not answer {number:,} calls",
        "start the cache again or choose another one",
    ),
    "workers_changed": (
        "{number} workers came or went while they were measured",
        "leave the workers as they are, or see in the log why they ended",
    ),
}


def describe_obstacles(finding):
    """Return that there is no verdict, why, and what to do."""
    words = [(OBSTACLES[one.code], one.number) for one in finding.obstacles]
    what = " and ".join(what.format(number=number) for (what, _), number in words)
    do = ", and ".join(do for (_, do), _ in words)
    return f"not judged, because {what} ({describe_point(finding.at)}): {do}, then run again"


SENTENCES = {
    "not_judged": describe_obstacles,
    "single": describe_single,
    "rises": describe_rise,
    "falls_short": describe_rise,
    "knee": describe_knee,
    "no_gain": describe_knee,
    "saturated": describe_saturation,
    "nothing_answered": lambda finding: "nothing was answered",
}


CAVEATS = {
    "generator": "the load generator may have been the limit",
    "other_programs": "other programs kept {number:.1f} cores busy",
    "shared_cores": "{number} workers share {cores}",
}


def describe_caveats(finding):
    """Return what else may have limited the point, in brackets."""
    cores = count_of(finding.cores, "cores")
    words = [CAVEATS[one.code].format(number=one.number, cores=cores) for one in finding.caveats]
    return f" ({', '.join(words)})" if words else ""


def describe_loops(finding):
    """Return what requests on a schedule found beside users who wait for each answer."""
    point, opened = finding.point, finding.opened
    name, rate = describe_point(point), f"{opened.per_s:g} requests/s"
    start = f"{name[0].upper()}{name[1:]}:"
    if finding.code == "queue_grew":
        return (
            f"{start} {rate} on a schedule are more than was served, {opened.answered_per_s:.1f}; "
            f"the queue grew to the end, and its p95 of {opened.p95_ms:,.0f} ms says how long the "
            "run was."
        )
    found = f"{start} p95 is {opened.p95_ms:,.0f} ms for those who come on a schedule, {rate}"
    if finding.code == "open_only":
        return f"{found}."
    closed = f"{found}, and {point.p95_ms:,.0f} ms by the closed loop"
    if finding.code == "agree":
        return f"{closed}, at its {point.requests_per_s:.1f}."
    cause = f"stood still for {finding.freeze_s:g} s" if finding.freeze_s else "was slow"
    return (
        f"{closed}, whose users waited while the lab {cause} and so did not ask: coordinated "
        "omission."
    )


def describe_warning(warning, generator=""):
    """Return a warning in one line, with the points that it concerns."""
    words = WARNINGS[warning.code].format(generator=generator, latest_ms=warning.latest_ms)
    if not warning.where:
        return words
    is_every = len(warning.where) == warning.of > 1
    points = "all points" if is_every else ", ".join(map(describe_point, warning.where))
    return f"{words} ({points})"


def describe_point(point):
    """Return what a point is, such as "fast 2 workers × 4 threads with 8 users"."""
    parts = [point.variant] if point.variant else []
    if point.workers:
        parts.append(count_of(point.workers, "workers"))
    if (point.threads or 1) > 1:
        parts.append(f"× {count_of(point.threads, 'threads')}")
    return " ".join([*parts, "with", count_of(point.users, "users")])


def describe_rate(point):
    """Return a throughput with its unit."""
    return f"{point.requests_per_s:,.1f} requests/s"


def describe_share(share):
    """Return a share such as "82 %", with a space as everywhere in the lab."""
    return f"{100 * share:.0f} %"


# Comparisons. ----------------------------------------------------------------------------------

# The figures of a switch with their units.
FIGURES = {
    "p50_ms": "p50, ms",
    "p95_ms": "p95, ms",
    "cpu_ms": "CPU of a request, ms",
    "memory_mb": "memory, MB",
    "start_cpu_s": "CPU of the start, s",
}
CLASSES = {
    "most": (
        "{page}: {name} answers most, {per_s:.1f} requests/s, {times} times as many as {other} "
        "on {workers} each."
    ),
    "uneven_workers": "{name} on {page}: one of {workers} did {share} of the work.",
    "cpu_cost": (
        "{name} computes {cpu_ms:.1f} ms for a request that only waits, {times} times what "
        "sync does."
    ),
}


def describe_classes(findings):
    """Return a sentence for each finding about the worker classes."""
    return " ".join(
        CLASSES[found.code].format(
            page=found.point.scenario,
            name=found.point.name,
            per_s=found.point.requests_per_s,
            times=format_ratio(found.times),
            other=found.other.name if found.other else "",
            workers=count_of(found.point.workers, "workers"),
            share=describe_share(found.point.busiest_share or 0),
            cpu_ms=found.point.server_cpu_ms or 0,
        )
        for found in findings
    )


def count_warning(warning, noun="points"):
    """Return a warning of a comparison in one line, with the number of points or switches."""
    words = SHORT_WARNINGS.get(warning.code, WARNINGS[warning.code])
    return f"{words} ({len(warning.where)} of {count_of(warning.of, noun)})"


SHORT_WARNINGS = {
    "generator_bound": "the load generator was busy for more than half of what it can do"
}


def describe_switch(result, least_rounds=None):
    """Return what turning a switch on did, and which position is the default, in a sentence.

    `least_rounds` is given where there were fewer rounds than that.
    """
    return f"{result.name}: {describe_effects(result, least_rounds)}; {result.default} by default."


def describe_effects(result, least_rounds):
    """Return what a switch gains and costs, as a part of a sentence."""
    if least_rounds:
        return f"too few rounds to tell (at least {least_rounds})"
    changes = {"less": [], "more": []}
    for figure, ratio in result.ratios.items():
        if ratio.effect:
            name, change = FIGURES[figure].partition(",")[0], describe_share(abs(ratio.ratio - 1))
            changes[ratio.effect].append(f"{name} {change} {ratio.effect}")
    gains, costs = ", ".join(changes["less"]), ", ".join(changes["more"])
    if gains and costs:
        return f"on it gains {gains} and costs {costs}"
    if gains or costs:
        return f"on it gains {gains}" if gains else f"on it costs {costs}"
    return "no measurable difference"
