// Where the lesson shows: the way there, after a run that found no difference.

import { find, page } from "./page.js";

/** Lead to where the lesson shows, unless it has shown: in its own figure, better than the first. */
export function leadToLesson({ differs, first, best, sameVariant }) {
  const hasShown = page.dataset.figure === "time" || best === undefined ? differs : best !== first;
  find("[data-where] [data-part=plain]").hidden = hasShown || sameVariant;
}

export const hideWay = () => (find("[data-where] [data-part=plain]").hidden = true);
