// The statistics of a run. perflab/measure/stats.py has the same functions, and explains them: on the
// same numbers both return the same results to the last digit.

const ROUNDS = 10;
const RESAMPLES = 1000;
const LOW = 0.025; // the ends of a 95 % interval
const HIGH = 0.975;
const SEED = 1;
const DIGITS = 10; // that are kept of a logarithm's results
const NORMAL = 1.959963984540054; // the normal distribution's 97.5 % quantile

// Student's 97.5 % quantiles for 1 to 10 degrees of freedom
const STUDENT = [
  ...[12.706204736, 4.30265273, 3.182446305, 2.776445105, 2.570581836],
  ...[2.446911851, 2.364624252, 2.306004135, 2.262157163, 2.228138852],
];

/** Return the value below which this share (0 to 1) of the values lies, by type 7; NaN of none. */
export function quantile(values, share) {
  const ordered = [...values].sort((a, b) => a - b);
  if (!ordered.length) return NaN;
  const position = (ordered.length - 1) * share;
  const below = Math.floor(position);
  const above = Math.min(below + 1, ordered.length - 1);
  return ordered[below] + (ordered[above] - ordered[below]) * (position - below);
}

/** Return the middle value; of an even number, the mean of the middle two; NaN of none. */
export const median = (values) => quantile(values, 0.5);

/** Return the value that 95 % of the values do not exceed; NaN of none. */
export const p95 = (values) => quantile(values, 0.95);

/**
 * Return a ratio rounded to two significant digits, half up. From 0.955 on it is rounded to one
 * decimal, as from 1 on: 0.97 and 1.03 are as far from 1.
 */
export function twoDigits(ratio) {
  if (ratio >= 0.955 && ratio < 1) return 1;
  return ratio > 0 && ratio < Infinity ? Number(ratio.toPrecision(2)) : ratio;
}

/** Return a ratio, or an end of its interval, as readers see it: "75", "7.0", "0.52", "1,300". */
export function formatRatio(ratio) {
  if (ratio === Infinity) return "∞";
  const shown = twoDigits(ratio);
  const digits = shown ? Math.max(0, 1 - shown.toExponential().split("e")[1]) : 0;
  return shown.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Return how many runs of each variant each round has: ten rounds, or a run each. */
export function roundSizes(runs) {
  const count = Math.min(runs, ROUNDS);
  const end = (number) => Math.floor((number * runs) / count);
  return Array.from({ length: count }, (_, number) => end(number + 1) - end(number));
}

/**
 * Return the median of the rounds' ratios, with its 95 % interval: on either side the widest one of
 * Student's t interval, of the hierarchical bootstrap, and of that of the ratio of all runs' medians.
 * A round is [the ms of the first variant, the ms of the last]; a pair has the same place in both.
 */
export function ratioOfRounds(rounds) {
  const ratios = rounds.map(([first, last]) => median(first) / median(last));
  const ratio = middle(ratios);
  let [low, high] = [0, Infinity];
  if (rounds.length > 1) {
    const [studentLow, studentHigh] = studentInterval(ratios);
    const [ofRounds, ofAll] = resampleRatios(rounds);
    const held = [ratio, ratioOfAll(rounds)];
    low = Math.min(...held, studentLow, quantile(ofRounds, LOW), quantile(ofAll, LOW));
    high = Math.max(...held, studentHigh, quantile(ofRounds, HIGH), quantile(ofAll, HIGH));
  }
  return { ratio, low, high, differs: !(twoDigits(low) <= 1 && 1 <= twoDigits(high)) };
}

/** Return the ratio of the medians of all runs of the rounds. */
const ratioOfAll = (rounds) =>
  median(rounds.flatMap(([first]) => first)) / median(rounds.flatMap(([, last]) => last));

/** Return the median of ratios; of an even number, the geometric mean of the middle two. */
function middle(ratios) {
  const ordered = [...ratios].sort((a, b) => a - b);
  const half = ordered.length >> 1;
  return ordered.length % 2 ? ordered[half] : Math.sqrt(ordered[half - 1] * ordered[half]);
}

/** Return Student's 95 % interval of the geometric mean of two or more ratios that may be alike. */
function studentInterval(ratios) {
  const logs = ratios.map(Math.log);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const mean = sum(logs) / logs.length;
  const apart = logs.map((log) => log - mean);
  const squares = sum(apart.map((one) => one * one));
  const products = sum(apart.slice(1).map((other, place) => apart[place] * other));
  const likeness = squares ? Math.max(0, products / squares) : 0;
  const freedom = logs.length - 1;
  const variance = squares / freedom / logs.length * (1 + likeness) / (1 - likeness);
  const half = student(freedom) * Math.sqrt(variance);
  return [mean - half, mean + half].map((log) => Number(Math.exp(log).toPrecision(DIGITS)));
}

/** Return Student's 97.5 % quantile: above 10 degrees of freedom by the Cornish-Fisher expansion. */
function student(freedom) {
  if (freedom <= STUDENT.length) return STUDENT[freedom - 1];
  const z = NORMAL;
  return (
    z
    + (z ** 3 + z) / (4 * freedom)
    + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2)
    + (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}

/**
 * Return the ratios of many measurements that are drawn from the rounds of one, and from their
 * pairs: the medians of the rounds' ratios, and the ratios of all runs' medians.
 */
function resampleRatios(rounds) {
  const next = randomNumbers(SEED);
  const draw = (values) => values[Math.floor(next() * values.length)];
  const resample = ([first, last]) => {
    if (first.length === 1) return [first, last];
    const drawn = first.map(() => Math.floor(next() * first.length));
    return [first, last].map((values) => drawn.map((pair) => values[pair]));
  };
  const [ofRounds, ofAll] = [[], []];
  for (let count = 0; count < RESAMPLES; count++) {
    const redrawn = rounds.map(() => resample(draw(rounds)));
    ofRounds.push(middle(redrawn.map(([first, last]) => median(first) / median(last))));
    ofAll.push(ratioOfAll(redrawn));
  }
  return [ofRounds, ofAll];
}

/**
 * Return a function that returns random numbers from 0 up to, but without, 1: always the same ones
 * for a seed. The generator is mulberry32 by Tommy Ettinger.
 */
export function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
