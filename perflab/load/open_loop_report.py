"""What the open schedule found beside the closed loop of the same point, in a table and in words.

Pure. A point has an `open` only where `--open` asked for it.
"""

from rich.table import Table

from .verdict import name_of

OMITTED = 2  # times the closed loop's p95 from which that is called too good
LATE = 0.01  # share of the requests that may be sent late


def table(points) -> Table | None:
    """Two lines for each point, one for each way of asking; None where there was one way only."""
    points = [point for point in points if point.get("open")]
    if not points:
        return None
    grid = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
    for name in ("point", "asked", "requests", "requests/s", "p50", "p95", "p99", "failed"):
        left = name in ("point", "asked")
        grid.add_column(name, justify="left" if left else "right", no_wrap=True)
    for point in points:
        opened = point["open"]
        grid.add_row(name_of(point), "closed loop", *figures(point, point["requests_per_s"]))
        rate = f"open, {opened['per_s']:g} a second"
        grid.add_row("", rate, *figures(opened, opened["answered_per_s"]))
    return grid


def figures(found, per_s):
    times = (found[f"p{rank}_ms"] for rank in (50, 95, 99))
    return (
        f"{found['requests']:,}",
        f"{per_s:,.1f}",
        *("–" if time is None else f"{time:,.1f}" for time in times),
        f"{found['failures']}",
    )


def sentences(points, freeze_s=0) -> list[str]:
    """One for each point that was asked both ways."""
    return [sentence(point, freeze_s) for point in points if point.get("open")]


def sentence(point, freeze_s):
    closed, opened = point["p95_ms"], point["open"]
    name, rate = name_of(point), f"{opened['per_s']:g} requests/s"
    start = f"{name[0].upper()}{name[1:]}:"
    if opened["growing"]:
        return (
            f"{start} {rate} on a schedule are more than was served, "
            f"{opened['answered_per_s']:.1f}; the queue grew to the end, and its p95 of "
            f"{opened['p95_ms']:,.0f} ms says how long the run was."
        )
    found = f"{start} p95 is {opened['p95_ms']:,.0f} ms for those who come on a schedule, {rate}"
    if closed is None:
        return f"{found}."
    if opened["p95_ms"] >= OMITTED * closed:
        cause = f"stood still for {freeze_s:g} s" if freeze_s else "was slow"
        return (
            f"{found}, and {closed:,.0f} ms by the closed loop, whose users waited while the lab "
            f"{cause} and so did not ask: coordinated omission."
        )
    return (
        f"{found}, and {closed:,.0f} ms by the closed loop, at its {point['requests_per_s']:.1f}."
    )


def warnings(points) -> list[str]:
    """What makes the open figures less than they look."""
    found = []
    asked = [point for point in points if point.get("open")]
    late = [p for p in asked if p["open"]["late"] > LATE * p["open"]["requests"]]
    failed = [p for p in asked if p["open"]["failures"]]
    if late:
        longest = max(point["open"]["latest_ms"] for point in late)
        found.append(
            "the open loop could not keep its schedule and sent requests up to "
            f"{longest:,.0f} ms late, which is in its latencies: {names(late)}"
        )
    if failed:
        found.append(f"answers of the open loop failed or did not come: {names(failed)}")
    return found


def names(points):
    return ", ".join(map(name_of, points))
