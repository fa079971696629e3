// Drawings as SVG: no style attributes (the page's policy forbids them), classes only.

const NAMESPACE = "http://www.w3.org/2000/svg";

function element(name, attributes, ...children) {
  const node = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function picture(width, height, title, ...children) {
  return element(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": title },
    element("title", {}, title),
    ...children,
  );
}

const text = (x, y, content, attributes = {}) => element("text", { x, y, ...attributes }, content);

/**
 * Returns round numbers from zero to at least `top`, at most `most` and the zero.
 *
 * They are 1, 2, 2.5, 5 or 10 times a power of ten apart, so that the last one is as little above
 * `top` as can be. `whole` allows whole numbers alone. perflab/load/svg.py has the same rule, and
 * computes in the same order.
 */
export function ticks(top, most = 6, whole = false) {
  const goal = top > 0 ? top : 1;
  let power = 1;
  while (power * 10 <= goal / most) power *= 10;
  while (power > goal / most && !(whole && power <= 1)) power /= 10;
  let best = { step: 0, count: 0 };
  for (const factor of [1, 2, 2.5, 5, 10]) {
    const step = factor * power;
    const count = Math.max(1, Math.ceil(goal / step - 1e-9));
    if (count > most || (whole && step % 1)) continue;
    if (!best.count || count * step < best.count * best.step * 0.999) best = { step, count };
  }
  return Array.from({ length: best.count + 1 }, (_, n) => Number((n * best.step).toPrecision(12)));
}

/**
 * Returns a number as readers see it, such as "1,234", "12.3", "1.23" or "0.05".
 *
 * From 100 on it has no decimals, from 10 on one, from 0.095 on two; a smaller number has one digit
 * that is not 0. With `whole` there are no decimals. "–" stands for what is not finite.
 * perflab/base/numbers.py has the same rule.
 */
export function shown(number, whole = Number.isInteger(number)) {
  if (!Number.isFinite(number)) return "–";
  const sign = number < 0 ? "-" : "";
  const size = Math.abs(number);
  if (whole || size >= 100) return sign + Math.round(size).toLocaleString("en");
  if (size >= 10) return sign + size.toFixed(1);
  return sign + (size >= 0.000001 && size < 0.095 ? size.toPrecision(1) : size.toFixed(2));
}

/** One lane's runs as a strip of points from zero to `top` ms, median and p95 marked. */
export function strip(name, points, workers, middle, p95, top) {
  const width = 640, left = 12, right = 24, axis = 62;
  const marks = ticks(top);
  const x = (ms) => left + (ms / marks.at(-1)) * (width - left - right);
  const parts = marks.flatMap((mark, number) => {
    const last = number === marks.length - 1;
    const anchor = last ? "end" : number ? "middle" : "start";
    return [
      element("line", { x1: x(mark), x2: x(mark), y1: 8, y2: axis, class: "grid" }),
      text(last ? width : x(mark), axis + 18, last ? `${shown(mark)} ms` : shown(mark), { class: "tick", "text-anchor": anchor }),
    ];
  });
  points.forEach((point, number) => {
    const y = 18 + ((number * 7) % 5) * 8; // apart, so that equal points are seen
    const worker = workers.indexOf(point.worker) % 6;
    parts.push(element("circle", { cx: x(point.total), cy: y, r: 4.5, class: `point worker-${worker}` },
      element("title", {}, `${shown(point.total)} ms, worker ${point.worker}`)));
  });
  if (points.length) {
    parts.push(element("line", { x1: x(p95), x2: x(p95), y1: 8, y2: axis, class: "p95" }));
    parts.push(element("line", { x1: x(middle), x2: x(middle), y1: 4, y2: axis, class: "median" }));
  }
  const told = points.length ? `median ${shown(middle)} ms, p95 ${shown(p95)} ms` : "no runs yet";
  return picture(width, 86, `${name}: ${points.length} runs, ${told}`, ...parts);
}

const widest = (names) => 8.8 * Math.max(...names.map((name) => name.length));

const DASHES = ["none", "12 5", "3 4", "12 4 3 4", "7 7", "20 4", "3 9", "20 4 3 4"];

/** Lines of one figure against another; series are {name, css, points: [[x, y], …]}. */
export function lines(title, xLabel, yLabel, series) {
  const right = 40 + widest(series.map((one) => one.name));
  const width = 640, height = 360, left = 64, top = 36, bottom = 48;
  const [xs, ys] = [0, 1].map((axis) => {
    const values = series.flatMap((one) => one.points.map((point) => point[axis]));
    return ticks(Math.max(...values, 0.001), 6, values.every(Number.isInteger));
  });
  const x = (value) => left + (value / xs.at(-1)) * (width - left - right);
  const y = (value) => height - bottom - (value / ys.at(-1)) * (height - top - bottom);
  const parts = [
    ...ys.flatMap((mark) => [
      element("line", { x1: left, x2: width - right, y1: y(mark), y2: y(mark), class: "grid" }),
      text(left - 8, y(mark) + 5, shown(mark), { class: "tick", "text-anchor": "end" }),
    ]),
    ...xs.map((mark) => text(x(mark), height - bottom + 20, shown(mark), { class: "tick", "text-anchor": "middle" })),
    text(width - right, height - 8, xLabel, { class: "label-x", "text-anchor": "end" }),
    text(left, 18, yLabel, { class: "label-y" }),
  ];
  let dashes = 0;
  const ends = [];
  for (const one of series) {
    const path = one.points.map(([px, py], n) => `${n ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join("");
    parts.push(element("path", { d: path, class: `series ${one.css}`, "stroke-dasharray": DASHES[one.css === "slow" ? 0 : dashes++ % 8] }));
    for (const [px, py] of one.points) {
      parts.push(element("circle", { cx: x(px), cy: y(py), r: 4, class: `mark ${one.css}` },
        element("title", {}, `${one.name}: ${shown(py)} ${py === 1 ? yLabel.replace(/ies$/, "y") : yLabel} at ${shown(px)} ${xLabel}`)));
    }
    const [lastX, lastY] = one.points.at(-1) ?? [0, 0];
    ends.push({ ...one, x: x(lastX), from: y(lastY), y: y(lastY) });
  }
  ends.sort((a, b) => a.y - b.y);
  ends.forEach((end, n) => (end.y = Math.max(end.y, n ? ends[n - 1].y + 17 : 0)));
  ends.reduceRight((floor, end) => (end.y = Math.min(end.y, floor)) - 17, height - bottom);
  for (const end of ends) {
    const at = width - right + 26;
    parts.push(element("path", { d: `M${end.x + 6} ${end.from}L${at - 4} ${end.y}`, class: "leader" }),
      text(at, end.y + 5, end.name, { class: `name ${end.css}` }));
  }
  return picture(width, height, title, ...parts);
}

/** A stacked bar a variant: parts are [label, ms, css]; all bars on one axis from zero to `top` ms. */
export function bar(name, parts, top) {
  const width = 640, height = 66;
  let at = 0;
  const shapes = [];
  for (const [label, ms, css] of parts) {
    const wide = (ms / top) * width;
    shapes.push(element("rect", { x: at, y: 4, width: Math.max(wide, 0), height: 34, class: css },
      element("title", {}, `${label}: ${shown(ms)} ms`)));
    at += wide;
  }
  const told = parts.map(([label, ms]) => `${label} ${shown(ms)} ms`);
  const key = element("text", { x: 0, y: 58, class: "tick" });
  parts.forEach(([, , css], n) => key.append(element("tspan", { class: css }, "■"), ` ${told[n]}\u2003`));
  shapes.push(key);
  return picture(width, height, `${name}: ${told.join(", ")}`, ...shapes);
}

/**
 * The variants of a ladder, one a row: {name, ms, css, told}. The axis is logarithmic, since the top is
 * often a hundredth of the bottom; its lines stand at powers of ten.
 */
export function climb(rows) {
  const width = 760, left = 30 + widest(rows.map((row) => row.name)), right = 300, step = 34, height = rows.length * step + 34;
  const logs = rows.map((row) => Math.log10(Math.max(row.ms, 0.001)));
  const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs, Math.min(...logs) + 0.1))];
  const x = (log) => left + ((log - low) / (high - low)) * (width - left - right);
  const parts = [];
  for (let power = low; power <= high; power++) {
    parts.push(element("line", { x1: x(power), x2: x(power), y1: 4, y2: height - 26, class: "grid" }),
      text(x(power), height - 8, `${shown(10 ** power)} ms`, { class: "tick", "text-anchor": "middle" }));
  }
  rows.forEach((row, number) => {
    const y = number * step + 22;
    parts.push(
      text(left - 14, y + 5, row.name, { class: `name ${row.css}`, "text-anchor": "end" }),
      element("circle", { cx: x(logs[number]), cy: y, r: 7, class: `mark ${row.css}` }, element("title", {}, `${row.name}: ${row.told}`)),
      text(x(logs[number]) + 14, y + 5, row.told, { class: "tick" }),
    );
  });
  return picture(width, height, `The climb: ${rows.map((row) => `${row.name} ${row.told}`).join("; ")}`, ...parts);
}

/** One traced request over time: a row each for SQL and cache calls, on an axis in ms. */
export function waterfall(trace) {
  const width = 640, height = 96, left = 56;
  const x = (ms) => left + (ms / trace.total_ms) * (width - left - 12);
  const rows = { query: 10, cache: 38 };
  const parts = [
    text(0, 26, "SQL", { class: "tick" }),
    text(0, 54, "cache", { class: "tick" }),
    element("line", { x1: left, x2: width - 12, y1: 66, y2: 66, class: "axis" }),
    text(left, 84, "0", { class: "tick" }),
    text(width - 12, 84, `${shown(trace.total_ms)} ms`, { class: "tick", "text-anchor": "end" }),
  ];
  for (const event of trace.events) {
    const asked = event.where ? ` from ${event.where.file}:${event.where.line}` : "";
    const what = event.kind === "query" ? event.shape.slice(0, 120) : `cache ${event.outcome}`;
    parts.push(element("rect", {
      x: x(event.start_ms), y: rows[event.kind], width: Math.max(x(event.ms) - left, 1.2), height: 22,
      class: event.kind === "query" ? "sql" : `cache ${event.outcome}`,
    }, element("title", {}, `${shown(event.ms)} ms: ${what}${asked}`)));
  }
  return picture(width, height, `One request of ${shown(trace.total_ms)} ms, its queries and cache calls`, ...parts);
}
