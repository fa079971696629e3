// The guess that a learner makes before the first run.

import { formatNumber, formatQueries } from "../numbers.js";
import { formatRatio } from "../stats.js";
import { find, output } from "./page.js";

const guessForm = find("[data-guess]");

export const hideGuess = () => (guessForm.hidden = true);

/** Take the guess and hide its form. Return null if there is none, or if it was taken before. */
export function takeGuess() {
  if (!guessForm || guessForm.hidden) return null;
  hideGuess();
  const { queries, ratio } = Object.fromEntries(new FormData(guessForm));
  return queries || ratio ? { queries, ratio } : null;
}

/** Write a guess beside what was measured. */
export function showGuess(guess, queries, ratio) {
  output("guess").hidden = !guess;
  if (!guess) return;
  const guessed = [];
  const measured = [];
  if (guess.queries) {
    guessed.push(formatQueries(Number(guess.queries)));
    measured.push(formatNumber(queries));
  }
  if (guess.ratio) {
    const isSame = Number(guess.ratio) === 1;
    guessed.push(isSame ? "that both take the same time" : `${guess.ratio} times`);
  }
  measured.push(formatRatio(ratio));
  output("guess").textContent =
    `You guessed ${guessed.join(" and ")}; it is ${measured.join(" and ")}.`;
}
