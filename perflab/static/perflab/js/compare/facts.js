// What judgement asks of a run: the rows that pages show, the collection, the workers, the promises.

import { firstDifference } from "./difference.js";
import { readKnobs } from "./knobs.js";
import { expectedQueries, ladder, lanes } from "./lanes.js";
import { page } from "./page.js";

const ROW = /<tr><td|<li\b|<dt\b/g; // as the Python module page_diff counts them

/** Note what an answer shows: a lane keeps its different pages, and the fewest rows of one. */
export function noteRows(lane, { status, html }) {
  if (lane.differs || status === 304) return;
  (lane.pages ??= new Set()).add(html);
  if (html === lane.counted) return;
  lane.counted = html;
  const rows = countRows(html, lane.element.dataset.body);
  if (rows !== null) lane.rows = Math.min(rows, lane.rows ?? rows);
}

/** Return how many rows an answer shows at most; null where they cannot be counted. */
function countRows(text, body) {
  if (body === "html") return (text.match(ROW) ?? []).length;
  if (body !== "json") return null;
  const lists = Object.values(JSON.parse(text)).filter(Array.isArray);
  return Math.max(0, ...lists.map(({ length }) => length));
}

/** Return what the lab says of its rows for this page: `rows`, or null, and whether it `seeds`. */
export async function readCollection() {
  try {
    const address = `/experiments/${page.dataset.slug}/rows.json`;
    const response = await fetch(address, { cache: "no-store" });
    const { rows, seeding } = await response.json();
    return { rows: rows ?? null, seeds: Boolean(seeding) };
  } catch {
    return { rows: null, seeds: false };
  }
}

/** Return in which lines a lane's page differs from the first one's, without a reason; else "". */
export function differenceOf(lane) {
  const [first] = ladder;
  if (lane === first || lane.reference || lane.differs) return "";
  if (!lane.results.length || !first.results.length) return "";
  const differences = [...(lane.pages ?? [])].map((html) => firstDifference(first.html, html));
  return differences.find(Boolean) ?? "";
}

/**
 * Return the facts of a run for findReasons(): `known` holds the `collection` before the run, the
 * pids that answered in the warm-up, the load with the workers before and after, the number of
 * requests that were `inspected` and of those that `failed`, the last `check` of the machine, and
 * why there is no `story`.
 */
export async function gatherFacts(lanesToRun, known) {
  const { collection, warm, load, inspected, failed, check, story } = known;
  const rows = rowFacts(lanesToRun, collection, await readCollection());
  const timings = lanesToRun.flatMap(({ results }) => results.map(({ timing }) => timing));
  const instances = new Set(timings.map(({ instance }) => instance));
  const isListed = [load.before, load.after].every(
    (state) => state?.workers && instances.size === 1 && instances.has(state.instance),
  );
  return {
    ...rows,
    workers_before: isListed ? load.before.workers : null,
    workers_after: isListed ? load.after.workers : null,
    workers_warm: [...warm],
    workers_answered: [...new Set(timings.map(({ worker }) => worker))],
    inspected,
    failed,
    story,
    check_differs: Boolean(check?.differs),
  };
}

/** Return the facts of the rows, for findWrongRows(). */
export function rowFacts(lanesToRun, before, after = before) {
  const { movies } = readKnobs();
  return {
    noun: page.dataset.rows,
    rows_asked: movies,
    rows_there: before.rows,
    rows_after: after.rows,
    seeding: before.seeds || after.seeds,
    variants: lanesToRun.map((lane) => variantFacts(lane, movies)),
  };
}

function variantFacts(lane, movies) {
  const { queries: cold, warm } = lane.element.dataset;
  const isCold = readKnobs().cold && !lane.revalidates;
  return {
    name: lane.name,
    queries: lane.results.map(({ timing }) => timing.queries),
    expected: expectedQueries(isCold ? cold : (warm ?? cold), movies),
    cold: expectedQueries(cold, movies),
    rows: lane.rows ?? null,
    cache_errors: lane.results.reduce((sum, { timing }) => sum + timing.errors, 0),
    differs: Boolean(lanes.includes(lane) && differenceOf(lane)),
  };
}
