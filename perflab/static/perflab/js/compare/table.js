// The table of a story: a cell says what was answered and what the verdict on it is, in words.

import { svgChart, svgElement, svgText, svgTitle } from "../charts.js";

/** How each mark is written, beside its colour. */
const MARKS = {
  right: "✓ right",
  stale: "◷ stale",
  other: "✗ somebody else’s",
  wrong: "✗ wrong",
  again: "↻ again",
  none: "?",
};

const workers = []; // Process ids, in the order in which the workers have answered.

/** Fill a cell with what was answered and the verdict on it; without a verdict, empty it. */
export function showCell(place, cell, facts) {
  place.replaceChildren();
  delete place.dataset.mark;
  if (!cell) return;
  place.dataset.mark = cell.mark;
  const drawn = facts.read === "workers" && facts.answers.length;
  if (drawn) place.append(drawWorkers(facts.answers));
  if (cell.text) place.append(cell.text);
  place.append(markOf(cell));
}

/** Show the verdict on each variant in the last row. */
export function showVerdicts(places, verdicts) {
  for (const [index, { right, words, cells }] of verdicts.entries()) {
    const cell = right ? { mark: "right", words: "" } : cells.find((one) => one.words === words);
    places[index].dataset.mark = cell.mark;
    places[index].replaceChildren(markOf(cell));
  }
}

/** Return a mark and the words of a verdict as an element. */
function markOf({ mark, words }) {
  const sign = document.createElement("strong");
  sign.className = "sign";
  sign.textContent = MARKS[mark];
  const verdict = document.createElement("span");
  verdict.className = "verdict";
  verdict.append(sign, words && ` ${mark === "none" ? "" : "· "}${words}`);
  return verdict;
}

const WIDTH = 300;
const LEFT = 78;
const RIGHT = 296;
const ROW = 40;

/** Draw what each worker found in its cache: hits, misses, and pages for which it asked no cache. */
function drawWorkers(answers) {
  const rows = Map.groupBy(answers, ({ worker }) => numberOf(worker));
  const parts = [];
  const words = [];
  for (const [index, number] of [...rows.keys()].sort((a, b) => a - b).entries()) {
    const counts = countHits(rows.get(number));
    const name = `worker ${number}`;
    const text = counts.map(([label, count]) => `${count} ${label}`).join(", ");
    words.push(`${name}: ${text}`);
    parts.push(...drawRow(index * ROW, name, text, counts, answers.length));
  }
  return svgChart(WIDTH, rows.size * ROW, words.join("; "), ...parts);
}

/** Return the hits and misses of some answers as [label, count, css]. */
function countHits(answers) {
  const sum = (name) => answers.reduce((total, answer) => total + answer[name], 0);
  const [hits, misses] = [sum("hits"), sum("misses")];
  if (!hits && !misses) return [["without a cache", answers.length, "python"]];
  return [
    [hits === 1 ? "hit" : "hits", hits, "cache"],
    [misses === 1 ? "miss" : "misses", misses, "cache miss"],
  ];
}

function drawRow(y, name, text, counts, total) {
  let x = LEFT;
  const bars = counts.map(([label, count, css]) => {
    const width = (count / total) * (RIGHT - LEFT);
    const box = { x, y: y + 3, width, height: 14, class: css };
    x += width;
    return svgElement("rect", box, svgTitle(`${name}: ${count} ${label}`));
  });
  return [svgText(0, y + 15, name, { class: "tick" }), ...bars,
    svgText(LEFT, y + 33, text, { class: "tick" })];
}

/** Return the number by which the page calls a worker: 1 for the first that has answered. */
function numberOf(pid) {
  if (!workers.includes(pid)) workers.push(pid);
  return workers.indexOf(pid) + 1;
}
