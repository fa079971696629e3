// The guess beside what was measured: in words, and on one axis.

import { svgChart, svgElement, svgLine, svgText, svgTitle } from "../charts.js";
import { axisTicks, formatNumber } from "../numbers.js";
import { formatRatio } from "../stats.js";
import { output } from "./page.js";

const WIDTH = 420; // so narrow that its text can be read on a phone
const LEFT = 104;
const RIGHT = WIDTH - 16;
const ROWS = [26, 58]; // the heights of the guess and of what was measured
const LABEL = 44; // the room that a number needs
const LABELS = 4; // of an axis, at most
const BASE = 74; // The axis lies here.

/**
 * Show a guess, as readGuess() returns it, beside what was measured; nothing where one of both is
 * missing. The truth is { figure, first, best, ratio, low, high, differs, verdicts }:
 * - `first` and `best` are the variants that are compared, { name, value }, with their value of the
 *   lesson's figure;
 * - `ratio`, `low` and `high` say how many times faster the best is, `differs` whether that is sure;
 * - `verdicts` are those of the story, { name, right, words }, where the lesson is who is right.
 */
export function showTruth(guess, truth) {
  const pair = truth?.verdicts ? pairVerdicts : pairNumbers;
  const pairs = guess && truth ? pair(guess, truth) : [];
  const parts = pairs.flatMap(({ words, chart }) => {
    const paragraph = document.createElement("p");
    paragraph.textContent = words;
    return chart ? [paragraph, chart] : [paragraph];
  });
  output("guess").replaceChildren(...parts);
  output("guess").hidden = !parts.length;
}

/** Return the numbers that were guessed, each with what was measured: { words, chart }. */
function pairNumbers(guess, { figure, first, best, ratio, low, high, differs }) {
  const count = figure === "cache_calls"
    ? `How many cache calls does ${first.name} make?`
    : `How many queries does ${first.name} run?`;
  const less = { memory: "less memory", cpu_time: "less CPU time" }[figure] ?? "fewer bytes";
  const faster = `How many times faster than ${first.name} is ${best.name}?`;
  const fewer = `How many times ${less} than ${first.name} does ${best.name} need?`;
  const known = {
    count: { what: count, truth: first.value, format: formatNumber },
    faster: { what: faster, truth: ratio, low, high, isSame: !differs, format: formatRatio },
    ratio: { what: fewer, truth: first.value / best.value, format: formatRatio },
  };
  return Object.entries(known)
    .filter(([name, { truth }]) => guess[name] && !Number.isNaN(truth))
    .map(([name, one]) => {
      const pair = { ...one, guess: Number(guess[name][0]), isRatio: name !== "count" };
      return { words: describe(pair), chart: drawPair(pair) };
    });
}

/** Return a pair as a sentence: "How many queries does slow run? You guessed 7, and it is 101." */
function describe({ what, guess, truth, low, high, isSame, format }) {
  const interval = low === undefined ? "" : ` (95 % interval ${format(low)} to ${format(high)})`;
  const same = isSame ? ", so no difference can be measured" : "";
  return `${what} You guessed ${formatNumber(guess)}, and it is ${format(truth)}${interval}${same}.`;
}

/** Draw a guess and the truth as two rows over one axis, which is logarithmic for a ratio. */
function drawPair({ what, guess, truth, low, high, isRatio, format }) {
  const axis = isRatio ? logAxis([guess, truth, low, high]) : countAxis([guess, truth]);
  const texts = [formatNumber(guess), format(truth)];
  const parts = axis.ticks.map((tick) => svgLine(axis.x(tick), 8, axis.x(tick), BASE, "grid"));
  const labelled = Math.ceil(axis.ticks.length / LABELS); // every second of them, or every third
  for (const tick of axis.ticks.filter((_, number) => number % labelled === 0)) {
    const label = tick.toLocaleString("en", { maximumFractionDigits: 4 });
    const middle = { class: "tick", "text-anchor": "middle" };
    parts.push(svgText(axis.x(tick), BASE + 20, label, middle));
  }
  if (low !== undefined) parts.push(svgLine(axis.x(low), ROWS[1], axis.x(high), ROWS[1], "range"));
  const names = ["your guess", "measured"];
  [guess, truth].forEach((value, row) => {
    const [x, y] = [axis.x(value), ROWS[row]];
    const [from, to] = row && low !== undefined ? [axis.x(low), axis.x(high)] : [x, x];
    const d = `M${x} ${y - 9}L${x + 9} ${y}L${x} ${y + 9}L${x - 9} ${y}Z`;
    const title = svgTitle(`${names[row]}: ${texts[row]}`);
    parts.push(
      svgText(LEFT - 20, y + 5, names[row], { class: "name-of-row", "text-anchor": "end" }),
      row
        ? svgElement("circle", { cx: x, cy: y, r: 8, class: "measured" }, title)
        : svgElement("path", { d, class: "guessed" }, title),
      labelBeside(texts[row], x, y, from, to),
    );
  });
  const title = `${what} Your guess: ${texts[0]}, measured: ${texts[1]}`;
  return svgChart(WIDTH, BASE + 28, title, ...parts);
}

/** Write a number beside a mark and its range, where there is more room; else above the mark. */
function labelBeside(text, x, y, from, to) {
  const [left, right] = [from - LEFT, RIGHT - to];
  if (Math.max(left, right) < LABEL) {
    return svgText(x, y - 14, text, { class: "value", "text-anchor": "middle" });
  }
  const [at, anchor] = left > right ? [from - 16, "end"] : [to + 16, "start"];
  return svgText(at, y + 5, text, { class: "value", "text-anchor": anchor });
}

/** Return a logarithmic axis over all finite values and 1, with its ticks at powers of ten. */
function logAxis(values) {
  const logs = [1, ...values].filter((n) => n > 0 && n < Infinity).map((n) => Math.log10(n));
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(Math.ceil(Math.max(...logs)), low + 1);
  const share = (value) => (Math.log10(value) - low) / (high - low);
  const ticks = Array.from({ length: high - low + 1 }, (_, n) => Number(`1e${low + n}`));
  return { ticks, x: (value) => place(share(value)) };
}

/** Return an axis of whole numbers from zero. */
function countAxis(values) {
  const ticks = axisTicks(Math.max(...values), 4, true);
  return { ticks, x: (value) => place(value / ticks.at(-1)) };
}

/** Return the x of a share of the axis; what lies beyond an end is drawn there. */
const place = (share) => LEFT + Math.min(1, Math.max(0, share)) * (RIGHT - LEFT);

/** Return for each variant what was guessed of it and what its story showed: { words }. */
function pairVerdicts({ wrong }, { verdicts }) {
  if (!wrong) return [];
  return verdicts.map(({ name, right, words }) => {
    const isGuessed = wrong.includes(name);
    if (right === null) return { words: `${name}: ${words}.` };
    const [guessed, found] = [isGuessed ? "wrong" : "right", right ? "right" : `wrong: ${words}`];
    const mark = right === isGuessed ? "✗" : "✓";
    return { words: `${mark} ${name}: you guessed ${guessed}; it was ${found}.` };
  });
}
