// The check of this machine: its slow variant against itself, before the first run of a visit.

import { formatRatio, ratioOfRounds } from "../stats.js";
import { requestLane } from "./client.js";
import { lanes } from "./lanes.js";
import { isBusy, othersText } from "./others.js";
import { output } from "./page.js";
import { requestInRounds, roundsOf } from "./rounds.js";

const KEY = "perflab.check"; // of this tab's storage
const RUNS = 10;
const FEW_RUNS = 5; // where the page is slow
const SLOW_MS = 40;

/** Return the last check of this visit, or null. */
export function lastCheck() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null; // The storage is closed to this page.
  }
}

/** Keep what a check found. */
export function keepCheck({ ratio, low, high, differs, otherCores }) {
  const { name } = lanes[0];
  const check = { ratio, low, high, differs, otherCores, name, when: new Date().toISOString() };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(check));
  } catch {
    // The next run will check again.
  }
  return check;
}

/**
 * Measure the slow variant against itself, in few runs that are not shown, and keep what it found.
 * By chance it differs in one of twenty checks on a quiet machine, so then it is checked again.
 */
export async function checkMachine(signal) {
  const check = await checkOnce(signal);
  return check?.differs ? checkOnce(signal) : check;
}

async function checkOnce(signal) {
  const pair = [lanes[0], lanes[0]].map((lane) => ({ ...lane, results: [] }));
  const first = await requestLane(pair[0], signal);
  const runs = first.wall > SLOW_MS ? FEW_RUNS : RUNS;
  const onAnswer = (index, answer) => {
    if (answer.ok) pair[index].results.push(answer);
  };
  const { otherCores } = await requestInRounds(pair, runs, onAnswer, signal);
  const rounds = roundsOf(...pair);
  if (rounds.length < 2) return null;
  return keepCheck({ ...ratioOfRounds(rounds), otherCores });
}

/** Show under the headline what other programs did during a run, and the last check. */
export function showMachine({ otherCores, cores, check, sameVariant }) {
  const texts = { others: othersText(otherCores, cores), check: sameVariant ? "" : checkText(check) };
  for (const [name, text] of Object.entries(texts)) {
    output(name).textContent = text;
    output(name).hidden = !text;
  }
  output("others").classList.toggle("busy", isBusy(otherCores));
  output("check").classList.toggle("busy", Boolean(check?.differs));
}

/** Return what a check found, as a sentence; "" without one. */
function checkText(check) {
  if (!check) return "";
  const { ratio, low, high, differs, otherCores, name, when } = check;
  const time = new Date(when).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const [shown, from, to] = [ratio, low, high ?? Infinity].map(formatRatio);
  const found = differs ? "it differed from itself" : "no measurable difference";
  const busy = isBusy(otherCores) ? `; others kept ${otherCores.toFixed(1)} cores busy` : "";
  return `This machine, checked at ${time} (${name} against ${name}): ${found}, ${shown}, `
    + `95 % interval ${from} to ${to}${busy}.`;
}
