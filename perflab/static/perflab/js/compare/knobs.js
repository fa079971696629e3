// The knobs, as they stand in the form, in the addresses of the lanes and in the page's address.

import { coldToken } from "./client.js";
import { form, page } from "./page.js";

/** Return the values of the knobs. */
export function readKnobs() {
  const data = new FormData(form);
  const own = [...form.querySelectorAll("[data-own]")];
  return {
    movies: Number(data.get("movies")),
    round_trip: Number(data.get("round_trip")),
    cache: data.get("cache"),
    cold: data.get("cold") === "1",
    runs: Number(data.get("runs")),
    own: Object.fromEntries(own.map(({ name, value }) => [name, value])),
  };
}

/** Return the part of an address that says how the knobs are set. */
export const queryOf = ({ movies, round_trip, cache, own }) =>
  new URLSearchParams({ movies, round_trip, cache, ...own });

/**
 * Return the address of a variant with the knobs of the form, some of them changed. Each request
 * with cold entries gets a token of its own, unless `changes` holds the token.
 */
export function addressOf(path, changes = {}) {
  const knobs = { ...readKnobs(), ...changes };
  const query = queryOf(knobs);
  if (knobs.cold) query.set("cold", knobs.cold === true ? coldToken() : knobs.cold);
  return `${path}?${query}`;
}

/** Write the set-up into the page's address, so that a link reproduces it. */
export function writeAddress() {
  const query = new URLSearchParams(new FormData(form));
  if (!query.get("cold")) query.delete("cold");
  if (page.classList.contains("projector")) query.set("projector", "1");
  history.replaceState(null, "", `?${query}`);
}
