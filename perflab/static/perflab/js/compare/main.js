// The comparison page: connects its buttons, keys and forms to what they do.

import { loadFrames, setUpFrames } from "./frames.js";
import { askForGuess, forgetGuess, isCovered, readGuess, showGuess, uncover } from "./guess.js";
import { writeAddress } from "./knobs.js";
import { find, form, output, page, readRefusal } from "./page.js";
import { applyKnobs, showNotes } from "./setup.js";
import { runTask, showFailure, stopTask } from "./task.js";

/** What each button does, by its `data-do`. */
const ACTIONS = {
  run: () => startRun(),
  same: () => startRun({ sameVariant: true }),
  stop: stopTask,
  projector: toggleProjector,
  keys: () => find("[data-keys]").showModal(),
  story: startStory,
  "stop-story": stopTask,
  trace: startTrace,
  grow: () => startSweep("movies"),
  far: () => startSweep("round_trip"),
  json: () => takeAway("saveJson"),
  csv: () => takeAway("saveCsv"),
  svg: () => takeAway("saveSvg"),
  address: () => takeAway("copyAddress"),
};
for (const { name } of form.querySelectorAll("[data-own]")) {
  ACTIONS[`grow-${name}`] = () => startSweep(name);
}

/** Whether the lesson is who gets the right page, so that its story is the measurement. */
const IS_ABOUT_RIGHT = page.dataset.figure === "correctness";

/** What can be done before the guess: it shows no answer. */
const GIVES_NOTHING_AWAY = ["stop", "projector", "keys"];

/** The button that each key presses. */
const KEYS = { r: "run", s: "stop", a: "same", p: "projector", g: "grow", t: "story", "?": "keys" };

page.addEventListener("click", runAction);
document.addEventListener("keydown", pressButton);
form.addEventListener("submit", runInstead);
form.addEventListener("change", applyKnobs);
find("[data-guess]")?.addEventListener("submit", guessAndRun);
find("[data-skip]")?.addEventListener("click", skipGuess);
find("[data-flush] button")?.closest("form").addEventListener("submit", flushCache);
showCopyButtons();
showNotes();
if (new URLSearchParams(location.search).get("projector") === "1") toggleProjector();
setUpFrames();
if (find("[data-collection]")) import("../collection.js");

/** Do what the button that was pressed stands for. */
async function runAction({ target }) {
  const action = target.closest("[data-do]")?.dataset.do;
  if (action && uncovering) await uncovering.catch(() => {}); // showAnswers() tells of a failure.
  if (isCovered() && ACTIONS[action] && !GIVES_NOTHING_AWAY.includes(action)) askForGuess();
  else ACTIONS[action]?.();
  if (target.closest("[data-copy]")) copyText(target);
}

/** Press the button of a key, unless somebody types or the button cannot be pressed. */
function pressButton(event) {
  const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
  if (hasModifier || event.target.closest("input, select, textarea, dialog[open]")) return;
  const button = find(`[data-do="${KEYS[event.key]}"]`);
  if (!button || button.disabled || button.closest("[hidden]")) return;
  event.preventDefault();
  button.click();
}

/** Start a run where the browser would submit a form. */
function runInstead(event) {
  event.preventDefault();
  if (isCovered()) askForGuess();
  else startRun();
}

/** Uncover the answers, and measure whether the guess is right; the frames have to wait. */
async function guessAndRun(event) {
  event.preventDefault();
  if (!form.reportValidity()) return;
  if (!readGuess()) return askForGuess();
  if (!(await showAnswers())) return;
  await (IS_ABOUT_RIGHT && find("[data-do=story]") ? startStory() : startRun());
  setUpFrames();
}

async function skipGuess(event) {
  event.preventDefault();
  if (!(await showAnswers())) return;
  forgetGuess();
  setUpFrames();
}

/** The uncovering that is under way: what is pressed meanwhile waits for it. */
let uncovering = null;

/** Uncover the answers, and go on at the buttons; return whether that was possible. */
async function showAnswers() {
  try {
    uncovering = uncover();
    await uncovering;
  } catch (error) {
    showFailure(error.message);
    return false;
  } finally {
    uncovering = null;
  }
  showCopyButtons();
  output("failure").hidden = true;
  find("[data-do=run]").focus();
  const address = new URL(location.href);
  address.searchParams.delete("guess"); // A copy of the address covers the answers for others.
  history.replaceState(null, "", address);
  return true;
}

// A run, a story, a trace, a sweep and the files to take away are loaded when they are first asked
// for.

/** Measure all variants; or the first variant against itself, to see how quiet the machine is. */
function startRun({ sameVariant = false } = {}) {
  if (!form.reportValidity()) return;
  writeAddress();
  return runTask(async (signal, showProgress) => {
    const { run } = await import("./run.js");
    await run(sameVariant, readGuess(), signal, showProgress);
  });
}

function startStory() {
  return runTask(async (signal, showProgress) => {
    const { playStory } = await import("./story.js");
    const verdicts = await playStory(signal, showProgress);
    if (IS_ABOUT_RIGHT) await showGuess(readGuess(), { verdicts });
  });
}

function startTrace() {
  return runTask(async (signal) => {
    const { traceLanes } = await import("./trace.js");
    await traceLanes(signal);
  });
}

function startSweep(knob) {
  return runTask(async (signal, showProgress) => {
    const { sweep } = await import("./sweep.js");
    await sweep(knob, signal, showProgress);
  });
}

/** Save the results as a file, or copy the address. */
async function takeAway(action) {
  try {
    const actions = await import("./export.js");
    await actions[action]();
  } catch (error) {
    showFailure(error.message);
  }
}

/** Show the headline and the lanes alone, in very big type; or all of the page again. */
function toggleProjector() {
  const isOn = page.classList.toggle("projector");
  document.body.classList.toggle("projecting", isOn);
  find("[data-do=projector]").setAttribute("aria-pressed", isOn);
  scrollTo(0, 0);
  writeAddress();
}

/** Empty the experiment's caches without leaving the page. */
async function flushCache(event) {
  event.preventDefault();
  const { target } = event;
  const response = await fetch(target.action, { method: "POST", body: new FormData(target) });
  output("flushed").textContent = response.ok
    ? "Forgotten, in every worker."
    : `Refused: ${await readRefusal(response)}`;
  if (response.ok) loadFrames();
}

function showCopyButtons() {
  for (const button of page.querySelectorAll("[data-copy]")) button.hidden = false;
}

/** Copy the text of the element that a button names. */
async function copyText(button) {
  await navigator.clipboard.writeText(find(button.dataset.copy).textContent);
  button.textContent = "Copied";
}
