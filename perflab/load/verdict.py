"""A load run in words: where the knee is, what bound it, and what to be wary of. Pure."""

from .theory import CPU_BOUND, IO_BOUND, NEARLY, knee, rests_on_enough

AXES = ("workers", "threads", "users")
FAR = 0.1  # error of Little's law that is told
OTHERS = 0.3  # cores that other programs used
SHORT = 0.7  # of the theoretical line, below which a point falls short of it


def verdict(points, alone, cores) -> str:
    """A line for each curve among the points. `alone` maps a variant to its Alone."""
    points = [point for point in points if point["requests"] and not point.get("partial")]
    if not points:
        return "Nothing was answered." if not alone else "No point was measured to its end."
    lines = []
    for axis, curve, beside in curves(points):
        one = alone.get(curve[0]["variant"])
        kind = one.kind if one else None
        who = ", ".join(filter(None, (curve[0]["variant"], *beside, kind)))
        said = of_curve(axis, curve, kind, cores)
        line = f"{who}: {said}." if who else f"{said}."
        lines.append(line[0].upper() + line[1:])
    return "\n".join(lines)


def curves(points):
    """(what varies along it, its points, what tells it from the other curves) of each curve.

    The first is None of a single point, the last a list of words.
    """
    varied = [name for name in AXES if len({point[name] for point in points}) > 1]
    axis = varied[0] if varied else None

    groups = {}
    for point in points:
        others = (point["variant"], *(point[name] for name in AXES if name != axis))
        groups.setdefault(others, []).append(point)
    for group in groups.values():
        beside = [several(group[0][name], name) for name in varied[1:]]
        yield (axis if len(group) > 1 else None), group, beside


def of_curve(axis, curve, kind, cores) -> str:
    """What one curve, or one point, says."""
    best = max(curve, key=lambda point: point["requests_per_s"])
    if axis is None:
        return of_point(best, cores)
    at = knee((point[axis], point["requests_per_s"]) for point in curve)
    if at is None:
        return "nothing was answered"
    first, last = (pick(curve, key=lambda point: point[axis]) for pick in (min, max))
    there = next(point for point in curve if point[axis] == at)
    if axis == "users":
        return of_users(there, last, cores)
    if there is last:
        return f"throughput still rises at {several(at, axis)}{of_theory(there, cores)}"
    gives_less = last["requests_per_s"] < NEARLY * best["requests_per_s"]
    less = (
        f"{several(last[axis], axis)} give less, {last['requests_per_s']:,.1f} after {rate(best)}"
    )
    if there is first and gives_less:
        return f"more {axis} than {at} do not help{why(there, kind, cores)}; {less}{doubt(last)}"
    if there is first:
        return f"more {axis} than {at} gain nothing{why(there, kind, cores)}{doubt(best)}"
    told = f"the knee is at {several(at, axis)}{why(there, kind, cores)}"
    return f"{told}; {less}{doubt(last)}" if gives_less else f"{told}{doubt(best)}"


def why(point, kind, cores) -> str:
    """What keeps more workers or threads from helping, as the end of a sentence."""
    if point["limit"] == "users":
        return f", because {several(point['users'], 'users')} cannot ask for more"
    if kind == IO_BOUND:
        return ""
    if point["limit"] == "processes":
        return f", because {several(point['workers'], 'workers')} can compute on no more cores"
    if point["workers"] == cores and kind == CPU_BOUND:
        return ", your cores"
    return f" on {several(cores, 'cores')}"


def of_users(there, last, cores) -> str:
    """Where more users no longer get more answers, and what they get instead."""
    if there is last:
        return (
            f"throughput still rises at {several(last['users'], 'users')}{of_theory(last, cores)}"
        )
    less = last["requests_per_s"] < NEARLY * there["requests_per_s"]
    get = f"get less, {rate(last)}" if less else "get no more"
    waits = ""
    if None not in (there["p95_ms"], last["p95_ms"]):
        waits = f", while p95 goes from {there['p95_ms']:,.0f} to {last['p95_ms']:,.0f} ms"
    return (
        f"saturated from {several(there['users'], 'users')} on at {rate(there)}; "
        f"{several(last['users'], 'users')} {get}{waits}{doubt(last)}"
    )


def of_point(point, cores) -> str:
    if not point["expected_per_s"]:
        return rate(point) + doubt(point)
    can = {
        "slots": f"{several(point['workers'] or 0, 'workers')} can serve",
        "processes": f"{several(point['workers'] or 0, 'workers')} can compute",
        "cores": f"{several(cores, 'cores')} can compute",
        "users": f"{several(point['users'], 'users')} can ask for",
    }[point["limit"]]
    share = point["requests_per_s"] / point["expected_per_s"]
    reasons = doubt(point, cores if share < SHORT else None)
    expected = f"{point['expected_per_s']:,.1f}"
    return f"{rate(point)}, {percent(share)} of the {expected} that {can}{reasons}"


def of_theory(point, cores) -> str:
    """How near a point that still rises comes to the theoretical line, the end of a sentence."""
    if not point["expected_per_s"]:
        return f", {rate(point)}{doubt(point)}"
    share = point["requests_per_s"] / point["expected_per_s"]
    if share >= SHORT:
        return f", {rate(point)}, {percent(share)} of the theoretical line{doubt(point)}"
    return (
        f", but falls short: {rate(point)} are {percent(share)} of the theoretical line"
        f"{doubt(point, cores) or ', and the figures do not show why'}"
    )


def doubt(point, short_on=None) -> str:
    """What else may have been the limit, as the end of a sentence.

    `short_on` is the number of cores where a point fell short: then their sharing is one, too.
    """
    found = []
    if point["generator_bound"]:
        found.append("the load generator may have been the limit")
    if (point["other_cpu"] or 0) > OTHERS:
        found.append(f"other programs kept {point['other_cpu']:.1f} cores busy")
    if short_on and (point["workers"] or 0) > short_on:
        found.append(f"{point['workers']} workers share {several(short_on, 'cores')}")
    return f" ({', '.join(found)})" if found else ""


def rate(point) -> str:
    return f"{point['requests_per_s']:,.1f} requests/s"


def percent(share) -> str:
    """ "82 %": with a space, as everywhere in the lab."""
    return f"{100 * share:.0f} %"


def several(number, noun) -> str:
    """ "1 worker", "2 workers"."""
    return f"{number} {noun if number != 1 else noun.removesuffix('s')}"


def warnings(points, generator, alone) -> list[str]:
    """What makes these points less than they look, each in one line."""
    found = []
    if any(one and one.cpu_ms is not None and one.kind is None for one in alone.values()):
        found.append(
            "other programs had the cores while one user was alone: what binds a request cannot be "
            "told, and the theoretical line may be too low"
        )

    def warn(bad, words):
        where = [name_of(point) for point in points if bad(point)]
        if where:
            every = len(where) == len(points) > 1
            found.append(f"{words} ({'all points' if every else ', '.join(where)})")

    warn(lambda p: p["failures"], "answers failed: they count as requests here, and are often fast")
    warn(
        lambda p: p["generator_bound"],
        f"{generator} was busy for more than half of what it can do and measured itself too: "
        "read the throughput as a lower bound, the latency as an upper one",
    )
    warn(
        lambda p: not rests_on_enough(p["requests"], 0.95),
        "there are too few samples for a p95, which should rest on 10 slower requests: measure "
        "with a longer --duration",
    )
    warn(
        lambda p: p["little_error"] is not None and abs(p["little_error"]) > FAR,
        "Little's law does not hold, so the users were not always waiting or thinking: the "
        "generator was late, or the run too short",
    )
    warn(
        lambda p: (p["other_cpu"] or 0) > OTHERS,
        "other programs, a database and a cache among them, used the machine's cores as well",
    )
    return found


def name_of(point) -> str:
    """A point in a word or two."""
    parts = [point["variant"]] if point["variant"] else []
    if point["workers"]:
        parts.append(several(point["workers"], "workers"))
    if (point["threads"] or 1) > 1:
        parts.append(several(point["threads"], "threads"))
    return " ".join([*parts, "with", several(point["users"], "users")])
