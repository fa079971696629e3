// Statistics of a run; the same definitions as perflab/stats.py.

/** The q-quantile of numbers, linearly interpolated (type 7); NaN of none. */
export function quantile(numbers, q) {
  const sorted = [...numbers].sort((a, b) => a - b);
  if (!sorted.length) return NaN;
  const place = (sorted.length - 1) * q;
  const below = Math.floor(place);
  const above = Math.ceil(place);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

export const median = (numbers) => quantile(numbers, 0.5);

/** A generator of numbers from 0 to 1 that starts the same every time (mulberry32). */
function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * The ratio of the medians of two samples and its 95 % bootstrap interval, by percentiles
 * (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
 */
export function ratioOfMedians(over, under, resamples = 2000) {
  const random = seeded(1);
  const again = (sample) => median(sample.map(() => sample[Math.floor(random() * sample.length)]));
  const ratios = Array.from({ length: resamples }, () => again(over) / again(under));
  const ratio = median(over) / median(under);
  const low = quantile(ratios, 0.025);
  const high = quantile(ratios, 0.975);
  return { ratio, low, high, differs: !(low <= 1 && 1 <= high) };
}
