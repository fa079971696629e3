// A run: the variants are requested in turn, every answer is drawn, and the results are judged.

import { median, p95 } from "../stats.js";
import { checkMachine, keepCheck, lastCheck, showMachine } from "./check.js";
import { memoryPeak, warmUp } from "./client.js";
import { drawRuns } from "./drawings.js";
import { readKnobs } from "./knobs.js";
import { heading, ladder, lanes, medianOf, showScore, totals, workersOf } from "./lanes.js";
import { page } from "./page.js";
import { clearResults, keepResult, showResults } from "./results.js";
import { requestInRounds, roundsOf } from "./rounds.js";
import { showFailure } from "./task.js";
import { showVerdict, verdict } from "./verdict.js";
import { hideWay, leadToLesson } from "./where.js";

const ENOUGH_RUNS = 3; // With fewer runs of a variant, no verdict is given.
const FAILURES_IN_A_ROW = 6; // After so many, the run ends.

/** Measure all variants, or the first one against itself, and judge what was measured. */
export async function run(sameVariant, guess, signal, showProgress) {
  clearResults();
  hideWay();
  const lanesToRun = sameVariant ? firstLaneTwice() : lanes;
  const { runs } = readKnobs();
  const load = { otherCores: null, cores: null };
  const failures = [];
  await warmUp(lanesToRun, signal);
  if (!sameVariant && !lastCheck()) await checkMachine(signal);
  try {
    Object.assign(load, await measure(lanesToRun, runs, failures, signal, showProgress));
  } finally {
    if (failures.length) showFailure(failuresText(failures));
    if (lanesToRun.every(({ results }) => results.length >= ENOUGH_RUNS)) {
      const rounds = roundsOf(lanes[0], ladder.at(-1));
      await conclude({ rounds, ...load, sameVariant }, guess, signal);
    } else if (signal.aborted) {
      showFailure("Stopped too early for a result.");
    }
  }
}

/** Return the first lane, and a copy of it whose results go to the last lane of the ladder. */
function firstLaneTwice() {
  const first = lanes[0];
  const last = ladder.at(-1);
  heading(last).textContent = `${first.title} again`;
  return [first, { ...first, results: last.results }];
}

/**
 * Request lanes in rounds; good answers become results, the others are listed as failures. Return
 * the load of other programs meanwhile.
 */
async function measure(lanesToRun, runs, failures, signal, showProgress) {
  let answers = 0;
  let failuresInARow = 0;
  const onAnswer = (index, answer) => {
    showProgress(answers++ / (runs * lanesToRun.length));
    failuresInARow = answer.ok ? 0 : failuresInARow + 1;
    if (answer.ok) lanesToRun[index].results.push(answer);
    else failures.push(answer.why);
    if (failuresInARow === FAILURES_IN_A_ROW) {
      throw new Error("The lab does not answer any more, so the run has ended.");
    }
    drawLanes();
  };
  return requestInRounds(lanesToRun, runs, onAnswer, signal);
}

function failuresText(failures) {
  const count = failures.length;
  const failed = count === 1 ? "1 request failed and is" : `${count} requests failed and are`;
  return `${failed} left out of the figures: ${failures.at(-1)}`;
}

/** Draw the results of every lane so far, all on one scale. */
function drawLanes() {
  const slowest = Math.max(...lanes.flatMap(totals));
  const workers = workersOf(lanes);
  for (const lane of lanes.filter(({ results }) => results.length)) {
    const ms = totals(lane);
    const points = lane.results.map(({ timing: { total, worker } }) => ({ total, worker }));
    const name = heading(lane).textContent;
    const place = lane.element.querySelector("[data-strip]");
    place.replaceChildren(drawRuns(name, points, workers, median(ms), p95(ms), slowest));
    place.hidden = false;
    showScore(lane, "ms, median", {
      queries: medianOf(lane, "queries"),
      total: medianOf(lane, "total"),
      sql: medianOf(lane, "sql"),
      hits: medianOf(lane, "hits"),
    });
  }
}

/** Judge what was measured, and show it from the headline to the figures. */
async function conclude(measured, guess, signal) {
  const { sameVariant } = measured;
  const peaks = [];
  if (page.dataset.figure === "memory" && !sameVariant) {
    for (const lane of lanes) peaks.push(await memoryPeak(lane, signal));
  }
  showVerdict(measured, guess, peaks);
  if (sameVariant) keepCheck(verdict);
  verdict.check = lastCheck();
  showMachine(verdict);
  showResults(peaks);
  leadToLesson(verdict);
  if (!sameVariant) keepResult();
}
