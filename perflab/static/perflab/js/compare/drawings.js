// The charts of a run: runs as points, times as bars, a ladder as rows.

import { svgChart, svgElement, svgLine, svgText, svgTitle, widestName } from "../charts.js";
import { axisTicks, formatNumber } from "../numbers.js";

const WIDTH = 640;
const KEY_LENGTH = 76; // So many letters of a key fit into a line.
const KEY_LINE = 22;

/**
 * Draw the runs of a lane as points from zero to `top` ms, with their median and p95. Points are
 * {total, worker}; each worker has a look of its own.
 */
export function drawRuns(name, points, workers, median, p95, top) {
  const left = 12;
  const right = WIDTH - 24;
  const axis = 62;
  const ticks = axisTicks(top);
  const x = (ms) => left + (ms / ticks.at(-1)) * (right - left);
  const parts = ticks.flatMap((tick, number) => {
    const isLast = number === ticks.length - 1;
    const anchor = isLast ? "end" : number ? "middle" : "start";
    const label = isLast ? `${formatNumber(tick)} ms` : formatNumber(tick);
    return [
      svgLine(x(tick), 8, x(tick), axis, "grid"),
      svgText(isLast ? WIDTH : x(tick), axis + 18, label, { class: "tick", "text-anchor": anchor }),
    ];
  });
  points.forEach(({ total, worker }, number) => {
    const cy = 18 + ((number * 7) % 5) * 8; // Equal points stand apart, so that all are seen.
    const css = `point worker-${workers.indexOf(worker) % 6}`;
    const title = svgTitle(`${formatNumber(total)} ms, worker ${worker}`);
    parts.push(svgElement("circle", { cx: x(total), cy, r: 4.5, class: css }, title));
  });
  let words = "no runs yet";
  if (points.length) {
    parts.push(svgLine(x(p95), 8, x(p95), axis, "p95"));
    parts.push(svgLine(x(median), 4, x(median), axis, "median"));
    words = `median ${formatNumber(median)} ms, p95 ${formatNumber(p95)} ms`;
  }
  return svgChart(WIDTH, 86, `${name}: ${points.length} runs, ${words}`, ...parts);
}

/**
 * Draw times as one bar, part after part; parts are [label, ms, css], and `top` ms fill it. The key
 * below the bar goes on in another line where the next label does not fit.
 */
export function drawBar(name, parts, top) {
  const key = svgElement("text", { x: 0, y: 58, class: "tick" });
  const rectangles = [];
  const words = [];
  let x = 0;
  let lines = 1;
  let length = 0;
  for (const [label, ms, css] of parts) {
    const width = (ms / top) * WIDTH;
    const box = { x, y: 4, width: Math.max(width, 0), height: 34, class: css };
    rectangles.push(svgElement("rect", box, svgTitle(`${label}: ${formatNumber(ms)} ms`)));
    words.push(`${label} ${formatNumber(ms)} ms`);
    length += words.at(-1).length + 4;
    const fits = length <= KEY_LENGTH;
    if (!fits) {
      lines += 1;
      length = words.at(-1).length + 4;
    }
    const place = fits ? { class: css } : { class: css, x: 0, dy: KEY_LINE };
    key.append(svgElement("tspan", place, "■"), ` ${words.at(-1)}\u2003`);
    x += width;
  }
  return svgChart(WIDTH, 66 + (lines - 1) * KEY_LINE, `${name}: ${words.join(", ")}`, ...rectangles, key);
}

/**
 * Draw the lanes of a ladder, one a row; rows are {name, ms, css, text}. The axis is logarithmic,
 * since the fastest often takes a hundredth of the slowest; its lines stand at powers of ten.
 */
export function drawLadder(rows) {
  const rowHeight = 34;
  const width = 760;
  const left = 30 + widestName(rows.map(({ name }) => name));
  const right = width - 300;
  const height = rows.length * rowHeight + 34;
  const logs = rows.map(({ ms }) => Math.log10(Math.max(ms, 0.001)));
  const low = Math.floor(Math.min(...logs));
  const high = Math.ceil(Math.max(...logs, Math.min(...logs) + 0.1));
  const x = (log) => left + ((log - low) / (high - low)) * (right - left);
  const parts = [];
  for (let power = low; power <= high; power++) {
    const label = `${formatNumber(10 ** power)} ms`;
    const middle = { class: "tick", "text-anchor": "middle" };
    parts.push(svgLine(x(power), 4, x(power), height - 26, "grid"));
    parts.push(svgText(x(power), height - 8, label, middle));
  }
  rows.forEach(({ name, css, text }, number) => {
    const cx = x(logs[number]);
    const cy = number * rowHeight + 22;
    const title = svgTitle(`${name}: ${text}`);
    parts.push(
      svgText(left - 14, cy + 5, name, { class: `name ${css}`, "text-anchor": "end" }),
      svgElement("circle", { cx, cy, r: 7, class: `mark ${css}` }, title),
      svgText(cx + 14, cy + 5, text, { class: "tick" }),
    );
  });
  const words = rows.map(({ name, text }) => `${name} ${text}`).join("; ");
  return svgChart(width, height, `The ladder: ${words}`, ...parts);
}
