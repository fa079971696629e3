// The table of figures: each figure is a row, and each lane a column.

import { formatNumber } from "../numbers.js";
import { p95 } from "../stats.js";
import {
  OUTSIDE,
  heading,
  lanes,
  medianBytes,
  medianOf,
  medianOutside,
  totals,
  workersOf,
} from "./lanes.js";
import { find, output } from "./page.js";

const FIGURES = {
  "median, ms": (lane) => medianOf(lane, "total"),
  "p95, ms": (lane) => p95(totals(lane)),
  "SQL, ms": (lane) => medianOf(lane, "sql"),
  "CPU, ms": (lane) => medianOf(lane, "cpu"),
  "cache, ms": (lane) => medianOf(lane, "cache"),
  "queries": (lane) => medianOf(lane, "queries"),
  "of them repeated": (lane) => medianOf(lane, "duplicates"),
  "cache hits": (lane) => medianOf(lane, "hits"),
  "cache misses": (lane) => medianOf(lane, "misses"),
  "bytes on the wire": medianBytes,
  [`${OUTSIDE}, ms`]: medianOutside,
  "runs": (lane) => lane.results.length,
};

/** Fill the table, and say how many workers answered. */
export function showFigures(peaks) {
  const rows = Object.entries(FIGURES).map(([name, read]) => [name, lanes.map(read)]);
  if (peaks.length) rows.push(["peak memory, MB", peaks.map((bytes) => bytes / 1e6)]);
  const names = lanes.map((lane) => heading(lane).textContent);
  find("[data-table]").replaceChildren(
    tableRow("th", ["Figures", ...names]),
    ...rows.map(([name, numbers]) => tableRow("td", [name, ...formatRow(numbers)])),
  );
  const { length } = workersOf(lanes);
  const ending = length === 1 ? "" : "s, each with its own kind of point";
  output("workers").textContent = `Answered by ${length} worker${ending}.`;
}

/** Format the numbers of a row: without a point if all of them are whole. */
function formatRow(numbers) {
  const whole = numbers.every((number) => !(number % 1));
  return numbers.map((number) => formatNumber(number, whole));
}

/** Make a row of the table. Its first cell is a heading; with `tag` "th" all cells are. */
function tableRow(tag, contents) {
  const row = document.createElement("tr");
  contents.forEach((content, column) => {
    const cell = document.createElement(column ? tag : "th");
    cell.scope = tag === "th" ? "col" : column ? "" : "row";
    cell.textContent = content;
    row.append(cell);
  });
  return row;
}
