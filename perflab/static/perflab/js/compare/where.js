// Where the lesson shows: the way there, after a run that found no difference.

import { find, page } from "./page.js";

const way = () => find("[data-where] [data-part=plain]");

/**
 * Lead to where the lesson shows, unless it has shown: in its own figure, better than the first.
 * A story has its own verdict.
 */
export function leadToLesson({ differs, ratio, first, best, sameVariant }) {
  const { figure } = page.dataset;
  const isCounted = figure !== "time" && Number.isFinite(first?.value + best?.value);
  const hasShown = isCounted ? best.value < first.value : differs && ratio > 1;
  way().hidden = hasShown || sameVariant || figure === "correctness";
}

export const hideWay = () => (way().hidden = true);
