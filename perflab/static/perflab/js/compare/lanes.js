// The lanes: the columns of the page, one a variant, and the figures of their runs.

import { median } from "../stats.js";
import { addressOf } from "./knobs.js";
import { page } from "./page.js";

/** Read a lane from its element. `results` holds the answers of a run. */
function readLane(element, index) {
  const { lane: name, path, differs } = element.dataset;
  const reference = "reference" in element.dataset;
  return {
    element,
    name,
    reference,
    differs,
    css: reference ? "reference" : index ? "fast" : "slow",
    title: element.querySelector("h2").textContent,
    frame: element.querySelector("iframe[data-src]"),
    revalidates: "revalidates" in element.dataset,
    clock: page.dataset.clock,
    results: [],
    address: (changes) => addressOf(path, changes),
  };
}

export const lanes = [...page.querySelectorAll("[data-lane]")].map(readLane);

/** The lanes from slow to fast, without those that stand beside them for reference. */
export const ladder = lanes.filter((lane) => !lane.reference);

/** Return the number of queries at so many rows; `terms` is written as "base per_row batch per_batch". */
export function expectedQueries(terms, rows) {
  const [base, perRow, batch, perBatch] = terms.split(" ").map(Number);
  return base + perRow * rows + (batch && perBatch * Math.ceil(rows / batch));
}

/** Return the heading that a lane has now; it changes while a variant runs against itself. */
export const heading = (lane) => lane.element.querySelector("h2");

/** Return the ms of each run of a lane. */
export const totals = (lane) => lane.results.map(({ timing }) => timing.total);

/** Return the median of a metric of the server over the runs of a lane. */
export const medianOf = (lane, metric) =>
  median(lane.results.map(({ timing }) => timing[metric] ?? NaN));

export const medianBytes = (lane) => median(lane.results.map(({ bytes }) => bytes));

export const OUTSIDE = "the answer's way through network and browser";
export const medianOutside = (lane) => median(lane.results.map(({ outside }) => outside));

/** Return the pids of the workers that answered. */
export const workersOf = (lanes) =>
  [...new Set(lanes.flatMap(({ results }) => results.map(({ timing }) => timing.worker)))].sort();

/**
 * Return where the median request of a lane spends its time, as [name, ms, css]. "Waiting" is what
 * neither SQL, nor the cache, nor this thread's CPU explains. The server's clock ends with the
 * headers. The rest is known only where the browser's clock times the lesson.
 */
export function timeParts(lane) {
  const [total, sql, cache, cpu] = ["total", "sql", "cache", "cpu"].map((name) =>
    medianOf(lane, name),
  );
  const outside = lane.clock === "client" ? medianOutside(lane) : 0;
  const rest = Math.max(0, total - outside - sql - cache);
  const waiting = rest - cpu > total / 20 ? rest - cpu : 0;
  const parts = [
    ["SQL", sql, "sql"],
    ["cache", cache, "cache"],
    ["Python", rest - waiting, "python"],
  ];
  if (waiting) parts.push(["waiting", waiting, "waiting"]);
  if (outside) parts.push([OUTSIDE, outside, "waiting"]);
  return parts;
}

/** Show figures on the scoreboard of a lane, in big type; `timeLabel` says what the time is. */
export function showScore(lane, timeLabel, figures) {
  const board = lane.element.querySelector(".score");
  board.hidden = false;
  board.querySelector("[data-label=total]").textContent = timeLabel;
  for (const cell of board.querySelectorAll("[data-figure]")) {
    cell.textContent = formatScore(Number(figures[cell.dataset.figure]));
  }
}

export function hideScore(lane) {
  lane.element.querySelector(".score").hidden = true;
}

/** Format whole numbers as they are, and others with one digit, half up, as the frames do. */
const formatScore = (value) =>
  Number.isInteger(value) ? value.toLocaleString("en") : (value + 1e-6).toFixed(1);
