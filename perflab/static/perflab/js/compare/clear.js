// Clearing the results of the last run, and what it wrote into the lanes.

import { heading, lanes } from "./lanes.js";
import { find, output } from "./page.js";

export const SECTIONS = ["[data-results]", "[data-why]", "[data-take]"]; // below the headline

export function clearResults() {
  for (const lane of lanes) {
    const answered = { etag: undefined, rows: undefined, counted: undefined, pages: undefined };
    Object.assign(lane, { results: [], ...answered });
    heading(lane).textContent = lane.title;
    lane.element.classList.remove("loses");
    lane.element.querySelector("[data-mark]").hidden = true;
    lane.element.querySelector("[data-strip]").hidden = true;
  }
  for (const section of ["[data-headline]", ...SECTIONS]) find(section).hidden = true;
  for (const name of ["failure", "not-judged", "guess", "others", "check"]) output(name).hidden = true;
}
