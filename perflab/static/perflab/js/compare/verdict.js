// The verdict of a run: the ratio in big type, its interval, and a sentence made of the numbers.

import { formatNumber, formatQueries } from "../numbers.js";
import { formatRatio, ratioOfRounds } from "../stats.js";
import { showGuess } from "./guess.js";
import { readKnobs } from "./knobs.js";
import { ladder, lanes, medianBytes, medianOf, timeParts } from "./lanes.js";
import { find, output, page } from "./page.js";

const [slow, fast] = [lanes[0], ladder.at(-1)];
const isTimedByBrowser = page.dataset.clock === "client";

/**
 * The verdict of the last run: ratio, low, high, differs; `rounds`, `otherCores` and `cores`, the
 * last `check` of the machine; `sameVariant` if one ran twice.
 */
export const verdict = {};

/**
 * Judge what was measured, `{ rounds, otherCores, cores, sameVariant }`, and show the headline;
 * `peaks` are the lanes' peaks of memory, if any.
 */
export function showVerdict(measured, guess, peaks) {
  const { sameVariant } = measured;
  Object.assign(verdict, measured, ratioOfRounds(measured.rounds));
  const before = medianOf(slow, "queries");
  const after = medianOf(fast, "queries");
  const saving = sameVariant ? null : describeSaving(peaks);
  output("ratio").textContent = ratioText();
  output("queries").textContent =
    saving?.headline ?? `${formatQueries(before)} → ${formatQueries(after)}`;
  output("interval").textContent = intervalText();
  output("sentence").textContent = sameVariant ? sameVariantSentence() : lessonSentence(saving);
  showGuess(sameVariant ? null : guess, {
    ...verdict,
    figure: page.dataset.figure,
    first: { name: slow.name, value: saving?.before ?? before },
    best: { name: fast.name, value: saving?.after ?? after },
  });
  find("[data-headline]").hidden = false;
}

function ratioText() {
  const { differs, ratio } = verdict;
  if (!differs) return "No measurable difference";
  return ratio >= 1 ? `${formatRatio(ratio)}× faster` : `${formatRatio(1 / ratio)}× slower`;
}

function intervalText() {
  const [ratio, low, high] = [verdict.ratio, verdict.low, verdict.high].map(formatRatio);
  const counts = `${slow.results.length} and ${fast.results.length} runs`;
  const runs = `${counts}, in turn, in ${verdict.rounds.length} rounds`;
  const clock = isTimedByBrowser ? "; times to the last byte, by this browser's clock." : ".";
  return `Ratio ${ratio}, 95 % interval ${low} to ${high}; ${runs}${clock}`;
}

/** The figures that a lesson can be about: how each is read from a lane, and how it is written. */
const LESSON_FIGURES = {
  queries: { read: (lane) => medianOf(lane, "queries"), format: formatQueries },
  bytes: { read: medianBytes, format: (n) => `${formatNumber(n)} bytes` },
  memory: {
    read: (lane, peaks) => peaks[lanes.indexOf(lane)],
    format: (n) => `${formatNumber(n / 1e6)} MB of memory`,
  },
};

/**
 * Return what the fast variant saves in the lesson's own figure, as words for the headline and for
 * the sentence; null where the figure is not known.
 */
function describeSaving(peaks) {
  const { read, format } = LESSON_FIGURES[page.dataset.figure] ?? LESSON_FIGURES.queries;
  const [before, after] = [read(slow, peaks), read(fast, peaks)];
  if (!Number.isFinite(before + after)) return null;
  if (page.dataset.figure === "time" && before === after) {
    return { headline: `${format(before)} with each variant`, clause: "", before, after };
  }
  let clause = "saves nothing and ";
  if (before > after) clause = `saves ${format(before - after)} and `;
  if (before < after) clause = `costs ${format(after - before)} more and `;
  return { headline: `${format(before)} → ${format(after)}`, clause, before, after };
}

const sameVariantSentence = () =>
  verdict.differs
    ? "The same variant differed from itself, so other programs disturb this machine. "
      + "Check again, with more runs."
    : "The same variant twice, and no difference: this machine is quiet enough for measurements.";

/** Return the conclusion: what helped, by how much, and where the remaining time goes. */
function lessonSentence(saving) {
  const rows = `${readKnobs().movies.toLocaleString("en")} ${page.dataset.rows}`;
  const effect = `${page.dataset.remedy} ${saving?.clause ?? ""}${speedText()}`;
  const rest = isTimedByBrowser ? "" : `; ${restText()}`;
  return `On this machine, with ${rows} and ${distanceText()}, ${effect}${rest}.`;
}

function distanceText() {
  const { round_trip } = readKnobs();
  if (round_trip) return `a simulated round trip of ${formatNumber(round_trip)} ms to the database`;
  return page.dataset.vendor === "sqlite"
    ? "no network to the database"
    : "no simulated round trip to PostgreSQL";
}

function speedText() {
  const { differs, ratio } = verdict;
  if (!differs) return "makes no difference that can be measured";
  return ratio >= 1
    ? `makes the page ${formatRatio(ratio)} times faster`
    : `makes the page ${formatRatio(1 / ratio)} times slower`;
}

const PART_NAMES = {
  SQL: "the database",
  cache: "the cache",
  Python: "Python (the ORM, the template, Django itself)",
  waiting: "waiting (for a service or for the processor)",
};

/** Return what takes most of the time that the fast variant still needs. */
function restText() {
  const [name, ms] = timeParts(fast).sort((a, b) => b[1] - a[1])[0];
  const percent = Math.round((100 * ms) / medianOf(fast, "total"));
  return `${percent} % of the remaining time goes to ${PART_NAMES[name]}`;
}
