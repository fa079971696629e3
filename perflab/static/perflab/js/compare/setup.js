// The set-up: what the page says of the knobs beside them, and what changes with them.

import { formatNumber, formatQueries } from "../numbers.js";
import { clearResults } from "./clear.js";
import { loadFrames } from "./frames.js";
import { forgetGuess, isCovered } from "./guess.js";
import { queryOf, readKnobs, writeAddress } from "./knobs.js";
import { expectedQueries, lanes } from "./lanes.js";
import { find, form, page } from "./page.js";

const firstLink = lanes[0].element.querySelector(".alone a");
let query = new URL(firstLink.href).search.replace("&inspect=0", ""); // All links contain it.

/**
 * Write the knobs into everything that names them: commands, links, frames, expected queries, notes
 * and the page's address. Results with other knobs are cleared.
 */
export function applyKnobs() {
  if (!form.reportValidity()) return;
  const knobs = readKnobs();
  const newQuery = `?${queryOf(knobs)}`;
  for (const code of page.querySelectorAll(".load-section code")) {
    const locustOptions =
      `--movies ${knobs.movies} --round-trip ${knobs.round_trip} --cache ${knobs.cache}`;
    code.textContent = code.textContent
      .replaceAll(query, newQuery)
      .replace(/--movies .*/, locustOptions);
  }
  for (const lane of lanes) {
    for (const link of lane.element.querySelectorAll(".alone a")) {
      link.search = link.search.replace(query, newQuery);
    }
    if (lane.frame) lane.frame.dataset.src = lane.frame.dataset.src.replace(query, newQuery);
    const expected = lane.element.querySelector("[data-expected]");
    if (expected) expected.textContent = expectedText(lane, knobs.movies);
  }
  query = newQuery;
  if (!isCovered()) forgetGuess();
  showNotes();
  writeAddress();
  clearResults();
  loadFrames();
}

/** Return the expected queries of a lane at so many rows: "2 queries cold, 0 warm". */
function expectedText(lane, rows) {
  const { queries: cold, warm } = lane.element.dataset;
  const text = formatQueries(expectedQueries(cold, rows));
  if (!warm) return text;
  const [first, later] = lane.revalidates ? ["at first", "again"] : ["cold", "warm"];
  return `${text} ${first}, ${formatNumber(expectedQueries(warm, rows))} ${later}`;
}

/** Show the notes that are true of the knobs as they are set. */
export function showNotes() {
  const { round_trip, cache } = readKnobs();
  const isTrue = {
    far: round_trip > 0,
    near: !round_trip && page.dataset.vendor === "sqlite",
    locmem: page.dataset.cached === "1" && cache === "locmem",
  };
  for (const [name, holds] of Object.entries(isTrue)) {
    const note = find(`[data-note=${name}]`);
    if (note) note.hidden = !holds;
  }
}
