"""Draw figures as SVG on the server: numbers in, text out. Pure.

Colours are presentation attributes, so that a drawing is complete as a file; on a page the style
sheet overrides them by class, for both themes. There are no style attributes, since the pages'
policy forbids them.
"""

import math
from dataclasses import dataclass
from html import escape

from perflab.base.numbers import format_number

WIDTH, LEFT, RIGHT = 520, 56, 16
ROW = 20  # px of a row of the legend
LETTER = 7.6  # px of a letter, about
TICK_DISTANCE = 26  # px between two ticks of the x axis, at least
# What a series is, and its colour in a file: a variant, the second of two runs, or neither.
COLOURS = {"slow": "#a83a08", "fast": "#0a6280", "other": "#5b3fd6", "soft": "#5a5d63"}
# The dashes of lines that share a colour: of measured lines, and of dashed ones.
DASHES = (("", "16 4", "16 4 3 4", "16 4 3 4 3 4"), ("6 5", "2 4", "9 4 2 4", "3 8"))
SOFT, RULE, PAPER = "#5a5d63", "#dcd8cf", "#ffffff"


@dataclass(frozen=True)
class Series:
    """A line: its (x, y) points by rising x, where a y of None is a gap.

    `css` is one of COLOURS. A theoretical line is dashed and has no marks. `again` is the number of
    lines of this colour before it, which decides the dashes.
    """

    name: str
    points: tuple
    css: str = "fast"
    dashed: bool = False
    marks: bool = True
    again: int = 0

    @property
    def dashes(self):
        """Return the attribute that distinguishes lines of one colour; "" for a solid line."""
        pattern = DASHES[self.dashed][self.again % len(DASHES[self.dashed])]
        return f' stroke-dasharray="{pattern}"' if pattern else ""


@dataclass(frozen=True)
class Panel:
    """One of several drawings over the same x axis."""

    label: str
    series: tuple


def draw_lines(title, x_label, y_label, series, at=None):
    """Draw one figure against another. The x in `at` get a tick; without, round numbers do."""
    return draw_panels(title, x_label, [Panel(y_label, tuple(series))], 300, at)


def draw_over_time(title, panels):
    """Draw several figures over one time axis, in seconds, one below the other."""
    return draw_panels(title, "seconds", panels, 130, None)


def draw_panels(title, x_label, panels, height, at):
    """Draw panels below each other, each `height` px high, and below them the x axis."""
    known = [x for panel in panels for one in panel.series for x, _ in one.points]
    round_x = axis_ticks(max(known, default=0))
    low_x, top_x = 0, max(known, default=0) or round_x[-1]
    if at and min(at) < max(at):  # start just before the first: at zero nothing was measured
        beside = (max(at) - min(at)) * 0.03
        low_x, top_x = min(at) - beside, max(at) + beside
    marks = (
        spaced_ticks(sorted(at), top_x - low_x)
        if at
        else [mark for mark in round_x if mark <= top_x]
    )

    def to_x(value):
        return LEFT + (value - low_x) / (top_x - low_x) * (WIDTH - LEFT - RIGHT)

    parts, y = [], 0
    for panel in panels:
        rows = legend_rows(panel.series)
        top = y + 26 + ROW * len(rows)
        parts += [label(LEFT, y + 16, panel.label, "label-y")]
        parts += draw_legend(rows, y + 26)
        parts += draw_panel(panel, top, height, to_x)
        y = top + height + 12
    parts += [label(to_x(mark), y + 8, format_number(mark), "tick", "middle") for mark in marks]
    parts.append(label(WIDTH - RIGHT, y + 28, x_label, "label-x", "end"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 36}" class="plot" '
        f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="14">'
        f"<title>{escape(title)}</title>"
        f'<rect class="paper" width="{WIDTH}" height="{y + 36}" fill="{PAPER}"/>'
        f"{''.join(parts)}</svg>"
    )


def draw_panel(panel, top, height, to_x):
    """Return the grid of a panel and its lines, as parts of the SVG."""
    highest = max((y for one in panel.series for _, y in one.points if y is not None), default=0)
    marks = axis_ticks(highest, 6 if height > 200 else 3)

    def to_y(value):
        return top + height - value / marks[-1] * height

    parts = []
    for mark in marks:
        y = to_y(mark)
        parts += [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid" '
            f'stroke="{RULE}"/>',
            label(LEFT - 8, y + 5, format_number(mark), "tick", "end"),
        ]
    for one in panel.series:
        parts += draw_series(one, panel.label, to_x, to_y)
    return parts


def draw_series(series, y_label, to_x, to_y):
    """Yield a series as a path, with a gap where a y is unknown, and a mark for each point."""
    colour, path, pen = COLOURS[series.css], "", "M"
    for x, y in series.points:
        if y is None:
            pen = "M"
            continue
        path += f"{pen}{to_x(x):.1f} {to_y(y):.1f}"
        pen = "L"
    wide = 1.5 if series.dashed else 2.5
    yield (
        f'<path d="{path}" class="line {series.css}" fill="none" stroke="{colour}" '
        f'stroke-width="{wide}"{series.dashes}/>'
    )
    if series.marks:
        for x, y in series.points:
            if y is not None:
                yield (
                    f'<circle cx="{to_x(x):.1f}" cy="{to_y(y):.1f}" r="4" '
                    f'class="dot {series.css}" fill="{colour}"><title>{escape(series.name)}: '
                    f"{format_number(y)} {escape(y_label)} at {format_number(x)}</title></circle>"
                )


def legend_rows(series):
    """Return the series in rows that are not wider than the drawing; none for a single one."""
    rows, used = [], 0
    for one in series if len(series) > 1 else ():
        wide = 40 + LETTER * len(one.name)
        if not rows or used + wide > WIDTH - LEFT:
            rows.append([])
            used = 0
        rows[-1].append((LEFT + used, one))
        used += wide
    return rows


def draw_legend(rows, top):
    """Yield a piece of each line, and its name."""
    for number, row in enumerate(rows):
        y = top + ROW * number + 8
        for x, one in row:
            yield (
                f'<line x1="{x:.0f}" x2="{x + 22:.0f}" y1="{y}" y2="{y}" class="line {one.css}" '
                f'stroke="{COLOURS[one.css]}" stroke-width="2.5"{one.dashes}/>'
            )
            yield label(x + 28, y + 5, one.name, "tick")


def label(x, y, text, css, anchor="start"):
    """Return a text at a place."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" fill="{SOFT}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def axis_ticks(top, most=6, whole=False):
    """Return round numbers from zero to at least `top`, at most so many and the zero.

    They are 1, 2, 2.5, 5 or 10 times a power of ten apart, so that the last one is as little above
    `top` as can be. `whole` allows whole numbers alone. The pages' js/numbers.js has the same rule,
    and computes in the same order.
    """
    top = top if top > 0 else 1
    power = 1.0
    while power * 10 <= top / most:
        power *= 10
    while power > top / most and not (whole and power <= 1):
        power /= 10
    best_step, best_count = 0.0, 0
    for factor in (1, 2, 2.5, 5, 10):
        step = factor * power
        count = max(1, math.ceil(top / step - 1e-9))
        if count > most or (whole and step % 1):
            continue
        if not best_count or count * step < best_count * best_step * 0.999:
            best_step, best_count = step, count
    return [float(f"{number * best_step:.12g}") for number in range(best_count + 1)]


def spaced_ticks(values, span):
    """Return those of rising values whose labels do not run into the label before."""
    kept = []
    for value in values:
        if not kept or (value - kept[-1]) / span * (WIDTH - LEFT - RIGHT) >= TICK_DISTANCE:
            kept.append(value)
    return kept
