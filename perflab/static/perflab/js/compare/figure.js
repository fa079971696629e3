// The figure in which a lesson shows itself, and what its variants show in it. The rules of
// perflab/compare/figures.py, which explains them.

import { formatNumber } from "../numbers.js";
import { median, ratioOfRounds, roundSizes } from "../stats.js";

const NEARLY = 1.05;
const NEARLY_OF_CPU = 1.25;
const ENDS = ["bytes", "memory"];

export const FIGURES = {
  queries: { units: ["query", "queries"], worse: "more queries", divisor: 1 },
  time: { units: ["ms", "ms"], worse: "slower", divisor: 1 },
  cpu_time: { units: ["ms of CPU", "ms of CPU"], worse: "more CPU time", divisor: 1, nearly: NEARLY_OF_CPU },
  bytes: { units: ["byte", "bytes"], worse: "more bytes", divisor: 1 },
  memory: { units: ["MB", "MB"], worse: "more memory", divisor: 1e6 },
  cache_calls: { units: ["cache call", "cache calls"], worse: "more cache calls", divisor: 1 },
  correctness: { units: ["", ""], worse: "wrong", divisor: 1 },
};
const nearlyOf = (figure) => FIGURES[figure].nearly ?? NEARLY;
const isWrong = ({ right }) => right === false;

/**
 * Return what the variants of a ladder show: the names of the `first`, the `best` and the one that
 * is `shown` beside the first, the `losers` with what is worse, and the `ratio`. Variants are
 * { name, value, times, right, words }; `compare(one, other)` returns the ratio of their times.
 */
export function conclude(figure, ladder, compare = compareInOrder) {
  const [first, last] = [ladder[0], ladder.at(-1)];
  const best = findBest(figure, ladder, compare);
  const shown = best === first ? last : best;
  const losers = {};
  for (const one of ladder.slice(1)) {
    const worse = findWorse(figure, first, one, compare);
    if (worse) losers[one.name] = worse;
  }
  const ratio = compare(first, shown);
  return { first: first.name, shown: shown.name, best: best.name, losers, ratio };
}

function findBest(figure, ladder, compare) {
  const last = ladder.at(-1);
  const found = ladder.filter((one) => isGood(figure, one, ladder));
  const good = found.length ? found : ladder;
  const msOf = ({ times }) => median(times);
  const fastest = good.reduce((least, one) => (msOf(one) < msOf(least) ? one : least));
  const keepsLast = fastest === last || !isFaster(fastest, last, compare);
  return good.includes(last) && keepsLast ? last : fastest;
}

function isGood(figure, one, ladder) {
  if (figure === "correctness") return !isWrong(one);
  const known = ladder.map(({ value }) => value).filter(Number.isFinite);
  if (figure === "time" || !known.length) return true;
  return Number.isFinite(one.value) && one.value <= nearlyOf(figure) * Math.min(...known);
}

function findWorse(figure, first, one, compare) {
  if (figure === "correctness" && isWrong(one)) return one.words || FIGURES[figure].worse;
  const isKnown = Number.isFinite(first.value) && Number.isFinite(one.value);
  const isMore = (a, b) => isKnown && a.value > nearlyOf(figure) * b.value;
  if (figure !== "time" && isMore(one, first)) return FIGURES[figure].worse;
  if (ENDS.includes(figure) && isMore(first, one)) return "";
  return isFaster(first, one, compare) ? FIGURES.time.worse : "";
}

function isFaster(one, other, compare) {
  const { differs, ratio } = compare(other, one);
  return differs && ratio > 1;
}

/** Compare the runs of two variants that stand in the same order. */
function compareInOrder(first, last) {
  const rounds = [];
  let start = 0;
  for (const size of roundSizes(Math.min(first.times.length, last.times.length))) {
    rounds.push([first, last].map(({ times }) => times.slice(start, start + size)));
    start += size;
  }
  return ratioOfRounds(rounds);
}

/** Return a value of a figure as readers see it: "101 queries", "0.58 MB". */
export function formatValue(figure, value) {
  if (!Number.isFinite(value)) return "–";
  const { units, divisor } = FIGURES[figure];
  const number = value / divisor;
  return `${formatNumber(number)} ${units[number === 1 ? 0 : 1]}`;
}

/** Return how a figure changes: "101 → 1 query", "43.6 → 0.58 MB"; "" where it is not known. */
export function formatChange(figure, before, after) {
  if (!Number.isFinite(before) || !Number.isFinite(after)) return "";
  return `${formatNumber(before / FIGURES[figure].divisor)} → ${formatValue(figure, after)}`;
}
