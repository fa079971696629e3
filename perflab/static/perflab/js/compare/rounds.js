// The rounds of a run: they are spread over the measurement, and their turns follow each other.

import { roundSizes } from "../stats.js";
import { requestInTurn, requestLane } from "./client.js";
import { coresKeptBusy, isBusy, readCounters } from "./others.js";
import { pause } from "./task.js";

// The ms over which the rounds are spread, at least: for each run, and for all of them. On a busy
// machine they are more, because other programs come and go. compare/rounds.py does the same.
const SPREAD = { each: 50, most: 2000 };
const BUSY_SPREAD = { each: 250, most: 10_000 };
const ROUNDS_BETWEEN_READINGS = 3; // A reading takes the lab some 50 ms: it looks for this browser.

/**
 * Request the lanes in rounds, and return how many cores others kept busy meanwhile, how many cores
 * there are, null where it is not known, and readCounters() `before` and `after`.
 */
export async function requestInRounds(lanes, runs, onAnswer, signal) {
  const sizes = roundSizes(runs);
  const before = await readCounters(signal);
  let [after, otherCores] = [null, null];
  let turn = 0;
  for (const [number, size] of sizes.entries()) {
    const began = performance.now();
    await requestInTurn(lanes, size, onAnswer, signal, {}, turn);
    turn += size;
    if (turn === runs || number % ROUNDS_BETWEEN_READINGS === 1) {
      after = await readCounters(signal);
      otherCores = coresKeptBusy(before, after);
    }
    const { each, most } = isBusy(otherCores) ? BUSY_SPREAD : SPREAD;
    const wait = began + Math.min(most, each * runs) / sizes.length - performance.now();
    if (turn < runs && wait > 0) {
      await pause(wait, signal);
      // The processor may have slept: these answers are no runs, unless they tell of a failure.
      for (const [index, lane] of lanes.entries()) {
        const answer = await requestLane(lane, signal);
        if (!answer.ok) onAnswer(index, answer);
      }
    }
  }
  return { otherCores, cores: before?.cores ?? null, before, after };
}

/** Return the rounds of two lanes for ratioOfRounds(), made of the turns that both have answered. */
export function roundsOf(first, last) {
  const lastMs = new Map(last.results.map(({ turn, timing }) => [turn, timing.total]));
  const pairs = first.results
    .filter(({ turn }) => lastMs.has(turn))
    .map(({ turn, timing }) => [timing.total, lastMs.get(turn)]);
  return roundSizes(pairs.length).map((size) => {
    const round = pairs.splice(0, size);
    return [round.map(([ms]) => ms), round.map(([, ms]) => ms)];
  });
}
