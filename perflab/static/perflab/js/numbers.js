// Numbers as readers see them, on pages and on the axes of charts.

/**
 * Return a number as readers see it, such as "1,234", "12.3", "1.23" or "0.05".
 *
 * From 100 on it has no decimals, from 10 on one, from 0.095 on two; a smaller number has one digit
 * that is not 0. With `whole` there are no decimals. "–" stands for what is not finite.
 * perflab/base/numbers.py has the same rule.
 */
export function formatNumber(number, whole = Number.isInteger(number)) {
  if (!Number.isFinite(number)) return "–";
  const sign = number < 0 ? "-" : "";
  const size = Math.abs(number);
  if (whole || size >= 100) return sign + Math.round(size).toLocaleString("en");
  if (size >= 10) return sign + size.toFixed(1);
  return sign + (size >= 0.000001 && size < 0.095 ? size.toPrecision(1) : size.toFixed(2));
}

/** Return a number of queries as readers see it. */
export const formatQueries = (n) => `${formatNumber(n)} ${n === 1 ? "query" : "queries"}`;

/**
 * Return the marks of an axis: round numbers from zero to at least `top`, at most `most` and the
 * zero.
 *
 * They are 1, 2, 2.5, 5 or 10 times a power of ten apart, so that the last one is as little above
 * `top` as can be. `whole` allows whole numbers alone. perflab/load/svg.py has the same rule, and
 * computes in the same order.
 */
export function axisTicks(top, most = 6, whole = false) {
  const goal = top > 0 ? top : 1;
  let power = 1;
  while (power * 10 <= goal / most) power *= 10;
  while (power > goal / most && !(whole && power <= 1)) power /= 10;
  let best = { step: 0, count: 0 };
  for (const factor of [1, 2, 2.5, 5, 10]) {
    const step = factor * power;
    const count = Math.max(1, Math.ceil(goal / step - 1e-9));
    if (count > most || (whole && step % 1)) continue;
    if (!best.count || count * step < best.count * best.step * 0.999) best = { step, count };
  }
  return Array.from({ length: best.count + 1 }, (_, n) => Number((n * best.step).toPrecision(12)));
}
