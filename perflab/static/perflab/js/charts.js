// Charts as SVG. They have classes only, since the pages' policy forbids style attributes.

import { axisTicks, formatNumber } from "./numbers.js";

const NAMESPACE = "http://www.w3.org/2000/svg";

/** Make an SVG element. */
export function svgElement(name, attributes, ...children) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Make a text at a point. */
export const svgText = (x, y, content, attributes = {}) =>
  svgElement("text", { x, y, ...attributes }, content);

/** Make a straight line. */
export const svgLine = (x1, y1, x2, y2, css) =>
  svgElement("line", { x1, x2, y1, y2, class: css });

/** Make a title, which a browser shows when the pointer rests on its parent. */
export const svgTitle = (content) => svgElement("title", {}, content);

/** Make a chart of its parts; a screen reader reads its title. */
export function svgChart(width, height, title, ...parts) {
  const viewBox = `0 0 ${width} ${height}`;
  const attributes = { viewBox, class: "plot", role: "img", "aria-label": title };
  return svgElement("svg", attributes, svgTitle(title), ...parts);
}

/** Return the width of the widest of some names, in units of a chart. */
export const widestName = (names) => 8.8 * Math.max(...names.map((name) => name.length));

const WIDTH = 640;
const HEIGHT = 360;
const LEFT = 64;
const TOP = 36;
const BASE = HEIGHT - 48; // The x axis lies here.
const NAME_HEIGHT = 17;
// The first line is solid; the others have dashes of their own, so that each can be told apart.
const DASHES = ["none", "12 5", "3 4", "12 4 3 4", "7 7", "20 4", "3 9", "20 4 3 4"];

/**
 * Draw lines of one figure against another. Series are {name, css, points: [[x, y], …]}; every
 * line has its name at its right end.
 */
export function drawLines(title, xLabel, yLabel, series) {
  const right = WIDTH - 40 - widestName(series.map(({ name }) => name));
  const [xTicks, yTicks] = [0, 1].map((axis) => {
    const values = series.flatMap(({ points }) => points.map((point) => point[axis]));
    return axisTicks(Math.max(...values, 0.001), 6, values.every(Number.isInteger));
  });
  const scale = {
    x: (value) => LEFT + (value / xTicks.at(-1)) * (right - LEFT),
    y: (value) => BASE - (value / yTicks.at(-1)) * (BASE - TOP),
  };
  const axes = [
    ...yTicks.flatMap((tick) => [
      svgLine(LEFT, scale.y(tick), right, scale.y(tick), "grid"),
      tickText(LEFT - 8, scale.y(tick) + 5, tick, "end"),
    ]),
    ...xTicks.map((tick) => tickText(scale.x(tick), BASE + 20, tick, "middle")),
    svgText(right, HEIGHT - 8, xLabel, { class: "label-x", "text-anchor": "end" }),
    svgText(LEFT, 18, yLabel, { class: "label-y" }),
  ];
  let dashed = 0;
  const lines = series.flatMap((one) => {
    const dashes = DASHES[one.css === "slow" ? 0 : dashed++ % DASHES.length];
    return drawLine(one, scale, dashes, (x, y) => pointTitle(one.name, x, xLabel, y, yLabel));
  });
  const names = drawNames(series, scale, right);
  return svgChart(WIDTH, HEIGHT, title, ...axes, ...lines, ...names);
}

const tickText = (x, y, tick, anchor) =>
  svgText(x, y, formatNumber(tick), { class: "tick", "text-anchor": anchor });

/** Return what a point says: "slow: 1 query at 20 films". */
function pointTitle(name, x, xLabel, y, yLabel) {
  const unit = y === 1 ? yLabel.replace(/ies$/, "y") : yLabel;
  return `${name}: ${formatNumber(y)} ${unit} at ${formatNumber(x)} ${xLabel}`;
}

/** Draw one line and a mark for each of its points. */
function drawLine({ css, points }, scale, dashes, titleOf) {
  const d = points
    .map(([x, y], n) => `${n ? "L" : "M"}${scale.x(x).toFixed(1)} ${scale.y(y).toFixed(1)}`)
    .join("");
  const marks = points.map(([x, y]) => {
    const attributes = { cx: scale.x(x), cy: scale.y(y), r: 4, class: `mark ${css}` };
    return svgElement("circle", attributes, svgTitle(titleOf(x, y)));
  });
  return [
    svgElement("path", { d, class: `series ${css}`, "stroke-dasharray": dashes }),
    ...marks,
  ];
}

/** Write the lines' names at the right; where lines end close together, spread the names. */
function drawNames(series, scale, right) {
  const ends = series.map(({ name, css, points }) => {
    const [x, y] = points.at(-1) ?? [0, 0];
    return { name, css, x: scale.x(x), lineY: scale.y(y), y: scale.y(y) };
  });
  ends.sort((a, b) => a.y - b.y);
  let lowest = 0;
  for (const end of ends) {
    end.y = Math.max(end.y, lowest);
    lowest = end.y + NAME_HEIGHT;
  }
  let highest = BASE;
  for (const end of ends.toReversed()) {
    end.y = Math.min(end.y, highest);
    highest = end.y - NAME_HEIGHT;
  }
  const x = right + 26;
  return ends.flatMap((end) => [
    svgElement("path", { d: `M${end.x + 6} ${end.lineY}L${x - 4} ${end.y}`, class: "leader" }),
    svgText(x, end.y + 5, end.name, { class: `name ${end.css}` }),
  ]);
}
