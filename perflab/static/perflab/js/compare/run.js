// A run: the variants are requested in turn, every answer is drawn, and the results are judged.

import { median, p95 } from "../stats.js";
import { checkMachine, keepCheck, lastCheck, showMachine } from "./check.js";
import { clearResults } from "./clear.js";
import { memoryPeak, warmUp } from "./client.js";
import { drawRuns } from "./drawings.js";
import { gatherFacts, noteRows, readCollection, rowFacts } from "./facts.js";
import { findReasons, findWrongRows } from "./judgement.js";
import { readKnobs } from "./knobs.js";
import { heading, ladder, lanes, medianOf, showScore, totals, workersOf } from "./lanes.js";
import { isBusy } from "./others.js";
import { find, page } from "./page.js";
import { keepResult, showResults } from "./results.js";
import { requestInRounds } from "./rounds.js";
import { showFailure } from "./task.js";
import { showNotJudged, showVerdict, verdict } from "./verdict.js";
import { hideWay, leadToLesson } from "./where.js";

const NOT_LOCAL = "only a visitor on the lab's own machine can play it";
const FAILURES_IN_A_ROW = 6; // After so many, the run ends.

/** Measure all variants, or the first one against itself, and judge what was measured. */
export async function run(sameVariant, guess, signal, showProgress) {
  clearResults();
  hideWay();
  const lanesToRun = sameVariant ? firstLaneTwice() : lanes;
  const { runs } = readKnobs();
  const load = { otherCores: null, cores: null };
  const failures = [];
  const collection = await readCollection();
  const noRows = findWrongRows(rowFacts(lanesToRun, collection));
  if (noRows.length) return showNotJudged({ sameVariant }, noRows);
  const { stories, story } = await playStoryFirst(sameVariant, signal, showProgress);
  const warm = await warmUp(lanesToRun, signal);
  if (!sameVariant && isCheckDue(lastCheck())) await checkMachine(signal);
  try {
    Object.assign(load, await measure(lanesToRun, runs, failures, signal, showProgress));
    if (!sameVariant && isCheckDue(lastCheck(), load.otherCores)) await checkMachine(signal);
  } finally {
    if (failures.length) showFailure(failuresText(failures));
    const inspected = failures.filter((answer) => answer.inspected).length;
    const check = sameVariant ? null : lastCheck();
    const failed = failures.length - inspected;
    const known = { collection, warm, load, inspected, failed, check, story };
    const reasons = findReasons(await gatherFacts(lanesToRun, known));
    const { otherCores, cores } = load;
    await conclude({ otherCores, cores, sameVariant, stories }, reasons, guess, signal);
  }
}

/**
 * Play the story first where the lesson is what is right. Return its verdicts, and in `story` why
 * there is none.
 */
async function playStoryFirst(sameVariant, signal, showProgress) {
  if (sameVariant || page.dataset.figure !== "correctness") return { stories: [], story: "" };
  if (!find("[data-do=story]")) return { stories: [], story: NOT_LOCAL };
  const { playStory } = await import("./story.js");
  const stories = await playStory(signal, showProgress);
  const open = stories.find(({ right }) => right === null);
  return { stories, story: open ? `${open.name}: ${open.words}` : "" };
}

/** Return whether the machine is to be checked: a check is missing, failed, or of a quieter time. */
const isCheckDue = (check, otherCores = null) =>
  !check || (otherCores === null ? check.differs : isBusy(otherCores) && !isBusy(check.otherCores));

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
    if (answer.ok) {
      noteRows(lanesToRun[index], answer);
      lanesToRun[index].results.push(answer);
    } else {
      failures.push(answer);
    }
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
  return `${failed} left out of the figures: ${failures.at(-1).why}`;
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

/** Judge what was measured if there is no reason against it, and show all from there to the figures. */
async function conclude(measured, reasons, guess, signal) {
  const { sameVariant } = measured;
  if (reasons.length) {
    showNotJudged(measured, reasons);
    showMachine({ ...measured, check: lastCheck() });
    if (lanes.every(({ results }) => results.length)) showResults([]);
    return;
  }
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
