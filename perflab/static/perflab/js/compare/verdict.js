// The verdict of a run: the lesson's own figure in big type, the time, and a sentence made of the
// numbers; or why there is no verdict, and what to do.

import { formatNumber } from "../numbers.js";
import { formatRatio, ratioOfRounds } from "../stats.js";
import { conclude, formatChange, formatValue } from "./figure.js";
import { showGuess } from "./guess.js";
import { writeHeadline } from "./headline.js";
import { putIntoWords } from "./judgement.js";
import { readKnobs } from "./knobs.js";
import { ladder, lanes, medianBytes, medianOf, timeParts, totals } from "./lanes.js";
import { isBusy } from "./others.js";
import { find, form, output, page } from "./page.js";
import { roundsOf } from "./rounds.js";

const { figure, price, remedy } = page.dataset;
const isTimedByBrowser = page.dataset.clock === "client";
const QUIET_CORES = 0.1; // With more than these, other programs explain why a page waited.

/**
 * The verdict of the last run:
 * - `notJudged`, the reasons why there is none, each with a `code`, `what` is wrong, what to `do`;
 * - `figure` with `first` and `best`, { name, value }: the variants that the headline compares;
 * - ratio, low, high, differs, and the `rounds` that they are from; `losers` by name; `headline`;
 * - `otherCores` and `cores`, the last `check` of the machine; `sameVariant` if one ran twice.
 */
export const verdict = {};

function replaceVerdict(...parts) {
  for (const name of Object.keys(verdict)) delete verdict[name];
  Object.assign(verdict, ...parts);
}

const nameAndValue = ({ name, value }) => ({ name, value });

/** Say in the headline's place why a run is not judged; `reasons` are those of findReasons(). */
export function showNotJudged(measured, reasons) {
  const words = JSON.parse(document.getElementById("judgement-words").textContent);
  const notJudged = reasons.map((reason) => putIntoWords(reason, words));
  replaceVerdict(measured, { notJudged });
  const list = output("not-judged").querySelector("ul");
  list.replaceChildren(...notJudged.map(reasonElement));
  output("not-judged").hidden = false;
}

function reasonElement({ code, what, do: action }) {
  const item = document.createElement("li");
  item.dataset.reason = code;
  item.append(what, " ", action);
  return item;
}

/**
 * Judge what was measured, `{ otherCores, cores, sameVariant, stories }`, and show the headline.
 * `stories` are the verdicts of the lesson's story, and `peaks` the lanes' peaks of memory, if any.
 */
export function showVerdict({ stories, ...measured }, guess, peaks) {
  const { sameVariant, otherCores } = measured;
  const shownFigure = sameVariant ? "time" : figure;
  const lanesShown = sameVariant ? [lanes[0], ladder.at(-1)] : ladder;
  const shown = lanesShown.map((lane) => showLane(lane, peaks, stories, sameVariant));
  const compare = (one, other) => ratioOfRounds(roundsOf(one.lane, other.lane));
  const found = conclude(shownFigure, shown, compare);
  const [first, best] = [found.first, found.shown].map((name) =>
    shown.find((one) => one.name === name),
  );
  const headline = writeHeadline(shownFigure, shown, found, sameVariant ? "" : price);
  replaceVerdict(measured, found.ratio, {
    figure: shownFigure,
    losers: found.losers,
    notJudged: [],
    rounds: roundsOf(first.lane, best.lane),
    headline,
    first: nameAndValue(first),
    best: nameAndValue(best),
  });
  output("figure").textContent = headline.big;
  output("figure").classList.toggle("words", headline.big.length > 30);
  output("ratio").textContent = sameVariant ? sameVariantChange() : headline.small;
  output("best").textContent = sameVariant ? "" : headline.best;
  output("interval").textContent = intervalText(first.lane, best.lane);
  output("sentence").textContent = sameVariant
    ? sameVariantSentence()
    : lessonSentence(first, best, otherCores);
  find("[data-headline]").classList.toggle("loses", headline.loses);
  if (!sameVariant) markLanes(shown, found);
  const isStory = figure === "correctness" && stories.length;
  showGuess(sameVariant ? null : guess, { ...verdict, ...(isStory && { verdicts: stories }) });
  find("[data-headline]").hidden = false;
}

/** The figures that a lesson can be about, and how each is read from a lane. */
const READERS = {
  queries: (lane) => medianOf(lane, "queries"),
  time: (lane) => medianOf(lane, "total"),
  cpu_time: (lane) => medianOf(lane, "cpu"),
  bytes: medianBytes,
  memory: (lane, peaks) => peaks[lanes.indexOf(lane)],
  cache_calls: (lane) => medianOf(lane, "calls"),
  correctness: () => null,
};

/** Return what a lane shows, for conclude(). */
function showLane(lane, peaks, stories, sameVariant) {
  const { right = null, words = "" } = stories.find(({ name }) => name === lane.name) ?? {};
  const value = READERS[sameVariant ? "time" : figure](lane, peaks);
  return { name: lane.name, lane, value, times: totals(lane), right, words };
}

/** Mark the lane of the best variant, and those that lose, by colour and by word. */
function markLanes(shown, { best, losers, first, ratio }) {
  const [before, after] = [first, best].map((wanted) => shown.find(({ name }) => name === wanted));
  const isNumber = figure !== "time" && Number.isFinite(before.value);
  const isBetter = isNumber ? after.value < before.value : ratio.differs || figure === "correctness";
  for (const { name, lane } of shown) {
    const mark = lane.element.querySelector("[data-mark]");
    const worse = losers[name];
    const loss = figure === "correctness" ? worse : `${worse} than ${first}`;
    mark.textContent = worse ? loss : "best";
    mark.hidden = !worse && (name !== best || best === first || !isBetter);
    lane.element.classList.toggle("loses", Boolean(worse));
  }
}

function intervalText(...compared) {
  const [ratio, low, high] = [verdict.ratio, verdict.low, verdict.high].map(formatRatio);
  const counts = compared.map(({ results }) => results.length).join(" and ");
  const runs = `${counts} runs, in turn, in ${verdict.rounds.length} rounds`;
  const clock = isTimedByBrowser ? "; times to the last byte, by this browser's clock." : ".";
  return `Ratio of times ${ratio}, 95 % interval ${low} to ${high}; ${runs}${clock}`;
}

const sameVariantChange = () =>
  formatChange("queries", ...[lanes[0], ladder.at(-1)].map((lane) => medianOf(lane, "queries")));

function sameVariantSentence() {
  const { differs, otherCores, low, high } = verdict;
  if (differs) {
    return "The same variant differed from itself, so other programs disturb this machine. "
      + "Check again, with more runs.";
  }
  const found = "The same variant twice, and no difference that can be measured";
  if (!isBusy(otherCores)) return `${found}: this machine is quiet enough for measurements.`;
  return `${found}. But the machine is busy: what lies between ${formatRatio(low)} and `
    + `${formatRatio(high)} times would not show.`;
}

/** Return the conclusion: what helped, by how much, and where the remaining time goes. */
function lessonSentence(first, best, otherCores) {
  const rows = `${readKnobs().movies.toLocaleString("en")} ${page.dataset.rows}${ownKnobsText()}`;
  const subject = best.lane === ladder.at(-1) ? remedy : `the variant ${best.name}`;
  const effect = price ? priceText() : `${subject} ${savingText(first, best)}${speedText()}`;
  const rest = isTimedByBrowser || price ? "" : restText(best.lane, otherCores);
  return `On this machine, with ${rows} and ${distanceText()}, ${effect}${rest}.`;
}

/** Return the knobs of the experiment's own: " (page: 1,000)"; "" where it has none. */
function ownKnobsText() {
  const knobs = [...form.querySelectorAll("[data-own]")].map(({ labels, selectedOptions }) => {
    const label = labels[0].firstChild.textContent.trim();
    return `${label[0].toLowerCase()}${label.slice(1)}: ${selectedOptions[0].text}`;
  });
  return knobs.length ? ` (${knobs.join("; ")})` : "";
}

function distanceText() {
  const { round_trip } = readKnobs();
  if (round_trip) return `a simulated round trip of ${formatNumber(round_trip)} ms to the database`;
  return page.dataset.vendor === "sqlite"
    ? "no network to the database"
    : "no simulated round trip to PostgreSQL";
}

/** Return what is saved in the lesson's figure, or in queries where its figure is no number. */
function savingText(first, best) {
  const isNumber = !["time", "correctness"].includes(figure);
  const counted = isNumber ? figure : "queries";
  const [before, after] = [first, best].map(({ lane, value }) =>
    isNumber ? value : medianOf(lane, "queries"),
  );
  if (!Number.isFinite(before + after) || (before === after && !isNumber)) return "";
  const [saved, text] = [before - after, formatValue(counted, Math.abs(before - after))];
  if (!saved) return "saves nothing and ";
  return saved > 0 ? `saves ${text} and ` : `costs ${text} more and `;
}

function speedText() {
  const { differs, ratio } = verdict;
  if (!differs) return "makes no difference in time that can be measured";
  return ratio >= 1
    ? `makes the page ${formatRatio(ratio)} times faster`
    : `makes the page ${formatRatio(1 / ratio)} times slower`;
}

function priceText() {
  const { differs, ratio } = verdict;
  if (!differs) return `${price} make no difference that can be measured`;
  const times = formatRatio(Math.max(ratio, 1 / ratio));
  return `${price} make the page ${times} times ${ratio > 1 ? "slower" : "faster"}`;
}

const PART_NAMES = {
  SQL: "the database",
  cache: "the cache",
  Python: "Python (the ORM, the template, Django itself)",
  waiting: "waiting for other services",
};

/**
 * Return what takes most of the time that a variant still needs, as the end of a sentence. A page
 * may have waited for other programs too: where they may explain it, its waiting is left out, and
 * where that is most of the time nothing is said.
 */
function restText(lane, otherCores) {
  const isQuiet = otherCores !== null && otherCores <= QUIET_CORES;
  const all = timeParts(lane).sort((a, b) => b[1] - a[1]);
  if (!isQuiet && all[0][0] === "waiting") return "";
  const parts = all.filter(([name]) => isQuiet || name !== "waiting");
  const [name, ms] = parts[0];
  const whole = parts.reduce((sum, [, part]) => sum + part, 0);
  const percent = Math.round((100 * ms) / whole);
  const others = parts.length < all.length ? ", not counting the time that it waited" : "";
  return `; ${percent} % of the remaining time goes to ${PART_NAMES[name]}${others}`;
}
