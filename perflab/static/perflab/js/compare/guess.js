// The guess that a learner makes before the answers of the page are uncovered.

import { parseHtml } from "./client.js";
import { find, output, page } from "./page.js";

const guessForm = find("[data-guess]");

/** Return whether the answers are still covered. */
export const isCovered = () => "covered" in page.dataset;

/** Ask for the guess, where somebody wants an answer without it. */
export function askForGuess() {
  output("ask").textContent = "The answers are covered: guess first, or skip the guess.";
  guessForm.querySelector("input").focus();
}

/** Return the guess, as a list of values for each name in the form; null if nothing was guessed. */
export function readGuess() {
  if (!guessForm) return null;
  const given = [...new FormData(guessForm)].filter(([name, value]) => value || name === "wrong");
  const guess = {};
  for (const [name, value] of given) (guess[name] ??= []).push(value);
  return given.length ? guess : null;
}

/** Forget the guess: it was about other knobs. */
export const forgetGuess = () => guessForm?.reset();

/**
 * Uncover the answers. The lab did not send their words with the page, so they are fetched now. The
 * lab keeps by a cookie that they are uncovered in this browser.
 */
export async function uncover() {
  const address = new URL(location.href);
  address.searchParams.set("guess", "skip");
  const response = await fetch(address, { cache: "no-store" });
  if (!response.ok) throw new Error(`The answers cannot be fetched: status ${response.status}.`);
  for (const part of parseHtml(await response.text()).querySelectorAll("[data-cover]")) {
    find(`[data-cover="${part.dataset.cover}"]`).replaceWith(part);
  }
  for (const part of page.querySelectorAll("[data-until-guess]")) part.hidden = false;
  guessForm.hidden = true;
  delete page.dataset.covered;
}

/** Show the guess beside what was measured; the module that draws both is loaded now. */
export async function showGuess(guess, truth) {
  const { showTruth } = await import("./truth.js");
  showTruth(guess, truth);
}
