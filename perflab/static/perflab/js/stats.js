// The statistics of a run. perflab/measure/stats.py has the same functions: on the same numbers both
// return the same results to the last digit.

const RESAMPLES = 2000;
const LOW = 0.025; // the ends of a 95 % interval
const HIGH = 0.975;
const SEED = 1;

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
 * Return the ratio of the medians of two samples with its 95 % bootstrap interval, by percentiles
 * (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
 */
export function ratioOfMedians(first, last) {
  const next = randomNumbers(SEED);
  const resample = (values) => values.map(() => values[Math.floor(next() * values.length)]);
  const resampledRatio = () => median(resample(first)) / median(resample(last));
  const ratios = Array.from({ length: RESAMPLES }, resampledRatio);
  const low = quantile(ratios, LOW);
  const high = quantile(ratios, HIGH);
  return { ratio: median(first) / median(last), low, high, differs: !(low <= 1 && 1 <= high) };
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
