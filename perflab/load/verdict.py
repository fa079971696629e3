"""A load run in words: where the knee is, what bound it, and what to be wary of. Pure."""

from .figures import CPU_BOUND, IO_BOUND, knee, rests_on_enough

AXES = ("workers", "threads", "users")
FAR = 0.1  # error of Little's law that is told
OTHERS = 0.3  # cores that other programs used


def verdict(points, alone, cores) -> str:
    """One sentence for each curve among the points. `alone` maps a side to its Alone."""
    points = [point for point in points if point["requests"] and not point.get("partial")]
    if not points:
        return "Nothing was answered." if not alone else "No point was measured to its end."
    sentences = []
    for axis, curve in curves(points):
        side = curve[0]["side"]
        sentence = of_curve(axis, curve, alone.get(side), cores)
        sentence = f"{side}: {sentence}" if side else sentence
        sentences.append(sentence[0].upper() + sentence[1:])
    return " ".join(sentences)


def curves(points):
    """The points in groups that differ in one thing, with its name; None for one that is single."""
    varied = [name for name in AXES if len({point[name] for point in points}) > 1]
    axis = varied[0] if varied else None

    groups = {}
    for point in points:
        others = (point["side"], *(point[name] for name in AXES if name != axis))
        groups.setdefault(others, []).append(point)
    for group in groups.values():
        yield (axis if len(group) > 1 else None), group


def of_curve(axis, curve, alone, cores) -> str:
    """What one curve, or one point, says."""
    kind = alone.kind if alone else None
    start = f"{kind}: " if kind else ""
    best = max(curve, key=lambda point: point["requests_per_s"])
    if axis is None:
        return f"{start}{of_point(best, cores)}."
    at = knee((point[axis], point["requests_per_s"]) for point in curve)
    if at is None:
        return f"{start}nothing was answered."
    first, last = curve[0], max(curve, key=lambda point: point[axis])
    there = next(point for point in curve if point[axis] == at)
    if axis == "users":
        return f"{start}{of_users(there, last)}"
    if at == last[axis]:
        told = share_of_theory(there)
        return f"{start}throughput still rises at {several(at, axis)}{told}{doubt(there)}."
    if at == first[axis]:
        return f"{start}more {axis} than {at} gain nothing{why(there, kind, cores)}{doubt(best)}."
    return f"{start}the knee is at {several(at, axis)}{why(there, kind, cores)}{doubt(best)}."


def why(point, kind, cores) -> str:
    """What keeps more workers or threads from helping, as the end of a sentence."""
    if point["limit"] == "users":
        return f": {several(point['users'], 'users')} cannot ask for more"
    if kind == IO_BOUND:
        return ""
    if point["limit"] == "processes":
        return f": {several(point['workers'], 'workers')} can compute on no more cores"
    if point["workers"] == cores and kind == CPU_BOUND:
        return ", your cores"
    return f" (you have {several(cores, 'cores')})"


def of_users(there, last) -> str:
    """Where more users no longer get more answers, and what they get instead."""
    rate = f"{there['requests_per_s']:.1f} requests/s"
    if there is last:
        return f"throughput still rises at {several(last['users'], 'users')}, {rate}."
    waits = ""
    if None not in (there["p95_ms"], last["p95_ms"]):
        waits = f": p95 goes from {there['p95_ms']:,.0f} to {last['p95_ms']:,.0f} ms"
    return (
        f"saturated from {several(there['users'], 'users')}, {rate}. "
        f"With {last['users']} they only wait longer{waits}{doubt(last)}."
    )


def of_point(point, cores) -> str:
    rate = f"{point['requests_per_s']:.1f} requests/s"
    if not point["expected_per_s"]:
        return rate + doubt(point)
    can = {
        "slots": f"{several(point['workers'] or 0, 'workers')} can serve",
        "processes": f"{several(point['workers'] or 0, 'workers')} can compute",
        "cores": f"{several(cores, 'cores')} can compute",
        "users": f"{several(point['users'], 'users')} can ask for",
    }[point["limit"]]
    share = point["requests_per_s"] / point["expected_per_s"]
    return f"{rate}, {share:.0%} of the {point['expected_per_s']:.1f} that {can}{doubt(point)}"


def share_of_theory(point) -> str:
    if not point["expected_per_s"]:
        return f", {point['requests_per_s']:.1f} requests/s"
    share = point["requests_per_s"] / point["expected_per_s"]
    return f", {point['requests_per_s']:.1f} requests/s, {share:.0%} of the theoretical line"


def doubt(point) -> str:
    """What else may have been the limit, as the end of a sentence."""
    if point["generator_bound"]:
        return ", though the load generator may have been the limit"
    if (point["other_cpu"] or 0) > OTHERS:
        return f", though other programs kept {point['other_cpu']:.1f} cores busy"
    return ""


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
        "too few samples for a p95, which should have 10 slower requests: a longer --duration",
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
    parts = [point["side"]] if point["side"] else []
    if point["workers"]:
        parts.append(several(point["workers"], "workers"))
    if (point["threads"] or 1) > 1:
        parts.append(several(point["threads"], "threads"))
    return " ".join([*parts, "with", several(point["users"], "users")])
