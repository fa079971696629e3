// A run: the variants are requested in turn, every answer is drawn, and the results are judged.

import { median, p95 } from "../stats.js";
import { memoryPeak, requestInTurn, warmUp } from "./client.js";
import { drawRuns } from "./drawings.js";
import { takeGuess } from "./guess.js";
import { readKnobs, writeAddress } from "./knobs.js";
import { heading, ladder, lanes, medianOf, showScore, totals, workersOf } from "./lanes.js";
import { form, page } from "./page.js";
import { clearResults, keepResult, showResults } from "./results.js";
import { runTask, showFailure } from "./task.js";
import { showVerdict } from "./verdict.js";

const ENOUGH_RUNS = 3; // With fewer runs of a variant, no verdict is given.
const FAILURES_IN_A_ROW = 6; // After so many, the run ends.

/** Measure all variants; or the first variant against itself, to see how quiet the machine is. */
export function startRun({ sameVariant = false } = {}) {
  if (!form.reportValidity()) return;
  const guess = takeGuess();
  writeAddress();
  return runTask(async (signal, showProgress) => {
    clearResults();
    const lanesToRun = sameVariant ? firstLaneTwice() : lanes;
    const failures = [];
    await warmUp(lanesToRun, signal);
    try {
      await measure(lanesToRun, failures, signal, showProgress);
    } finally {
      if (failures.length) showFailure(failuresText(failures));
      if (lanesToRun.every(({ results }) => results.length >= ENOUGH_RUNS)) {
        await conclude(sameVariant, guess, signal);
      } else if (signal.aborted) {
        showFailure("Stopped too early for a result.");
      }
    }
  });
}

/** Return the first lane, and a copy of it whose results go to the last lane of the ladder. */
function firstLaneTwice() {
  const first = lanes[0];
  const last = ladder.at(-1);
  heading(last).textContent = `${first.title} again`;
  return [first, { ...first, results: last.results }];
}

/** Request lanes in turn; good answers become results, the others are listed as failures. */
async function measure(lanesToRun, failures, signal, showProgress) {
  const { runs } = readKnobs();
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
  await requestInTurn(lanesToRun, runs, onAnswer, signal);
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
async function conclude(sameVariant, guess, signal) {
  const peaks = [];
  if (page.dataset.figure === "memory" && !sameVariant) {
    for (const lane of lanes) peaks.push(await memoryPeak(lane, signal));
  }
  showVerdict(sameVariant, guess, peaks);
  showResults(peaks);
  if (!sameVariant) keepResult();
}
