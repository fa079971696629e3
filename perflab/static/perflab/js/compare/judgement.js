// Whether a run can be judged, and if not: why. The rules of perflab/compare/judgement.py, which
// explains them; the words of each reason come from there, with the page.

import { formatNumber } from "../numbers.js";

const ENOUGH_RUNS = 3; // of each variant

/** Return the reasons why a run is not judged, each a `code` and values; none if it is judged. */
export function findReasons(facts) {
  const found = [
    ...findWrongRows(facts),
    ...(facts.inspected ? [{ code: "inspected" }] : []),
    ...(facts.failed ? [{ code: "failed", failed: facts.failed }] : []),
    ...(facts.story ? [{ code: "story", words: facts.story }] : []),
    ...findTooFewRuns(facts),
    ...findCacheErrors(facts),
    ...findChangedWorkers(facts),
  ];
  const has = (...codes) => found.some(({ code }) => codes.includes(code));
  if (!has("seeding", "no_rows", "rows")) {
    const broken = has("cache_errors") ? [] : findBrokenPromises(facts);
    found.push(...broken, ...findOtherPages(facts));
  }
  if (facts.check_differs) found.push({ code: "machine_busy" });
  return found;
}

/** Return why the pages do not, or cannot, show the rows that are asked for. */
export function findWrongRows({ noun, rows_asked: asked, rows_there: there, rows_after: after, ...facts }) {
  const changed = there !== null && after !== null && there !== after;
  if (facts.seeding || changed) return [{ code: "seeding" }];
  if (there === 0) return [{ code: "no_rows", noun }];
  for (const { name, rows } of facts.variants) {
    const known = [rows, there].filter((number) => number !== null);
    const shown = Math.min(...known);
    if (shown < asked) return [{ code: "rows", variant: name, shown, asked, noun }];
  }
  return [];
}

function findTooFewRuns({ variants }) {
  const short = variants.find(({ queries }) => queries.length < ENOUGH_RUNS);
  if (!short) return [];
  const runs = short.queries.length;
  return [{ code: "too_few_runs", variant: short.name, runs, needed: ENOUGH_RUNS }];
}

const findCacheErrors = ({ variants }) =>
  variants
    .filter((variant) => variant.cache_errors)
    .map(({ name, cache_errors: errors }) => ({ code: "cache_errors", variant: name, errors }));

function findChangedWorkers({ workers_before: before, workers_after: after, ...facts }) {
  const isKnown = before !== null && after !== null;
  const now = isKnown ? [...after, ...facts.workers_answered] : facts.workers_answered;
  const then = isKnown ? before : facts.workers_warm;
  const came = new Set(now.filter((pid) => !then.includes(pid))).size;
  const went = isKnown ? before.filter((pid) => !after.includes(pid)).length : 0;
  return came || went ? [{ code: "workers_changed", came, went }] : [];
}

function findBrokenPromises({ variants }) {
  return variants.flatMap(({ name, queries, expected, cold }) => {
    if (!queries.length) return [];
    const typical = [...queries].sort((a, b) => a - b)[(queries.length - 1) >> 1];
    const isAllowed = (number) => number === expected || number === cold;
    const wrong = typical === expected ? queries.find((number) => !isAllowed(number)) : typical;
    if (wrong === undefined) return [];
    return [{ code: "promise", variant: name, queries: wrong, expected }];
  });
}

const findOtherPages = ({ variants }) =>
  variants
    .filter(({ differs }) => differs)
    .map(({ name }) => ({ code: "pages_differ", variant: name, first: variants[0].name }));

/** Return the code of a reason, `what` is wrong and what to `do`; `words` are the page's. */
export function putIntoWords(reason, words) {
  const format = (value) => (typeof value === "string" ? value : formatNumber(value));
  const [what, action] = words[reason.code].map((text) =>
    text.replace(/\{(\w+)\}/g, (_, name) => format(reason[name])),
  );
  return { code: reason.code, what, do: action };
}
