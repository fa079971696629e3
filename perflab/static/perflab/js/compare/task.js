// The page does one task at a time: a run, a sweep, a trace or a story. Stop ends it.

import { find, form, output, page } from "./page.js";

const ALWAYS_OFFERED = ["projector", "keys"];
const STOP = ["stop", "stop-story"]; // The second one stands beside the story.
let controller = null;

/** End the task that is under way. */
export const stopTask = () => controller?.abort();

/**
 * Do a task: `work(signal, showProgress)`. The signal tells that it is to stop; `showProgress`
 * takes the part that is done, from 0 to 1. Nothing else can be started meanwhile.
 */
export async function runTask(work) {
  if (controller) return;
  controller = new AbortController();
  const { signal } = controller;
  const bar = find(".controls progress");
  bar.hidden = false;
  bar.removeAttribute("value");
  page.classList.add("running");
  enableButtons(true);
  try {
    await work(signal, (done) => (bar.value = done));
  } catch (error) {
    if (!signal.aborted) showFailure(error.message);
  } finally {
    controller = null;
    bar.hidden = true;
    page.classList.remove("running");
    enableButtons(false);
  }
}

/** Enable Stop while a task is under way, and the buttons that start one while none is. */
function enableButtons(isRunning) {
  form.inert = isRunning; // A task reads the knobs at each request.
  for (const button of page.querySelectorAll("[data-do]")) {
    if (ALWAYS_OFFERED.includes(button.dataset.do)) continue;
    button.disabled = STOP.includes(button.dataset.do) !== isRunning;
  }
}

/** Wait so many ms; fail as soon as the task is to stop. */
export const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    setTimeout(resolve, ms);
    signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
  });

/** Say what went wrong. */
export function showFailure(message) {
  output("failure").textContent = message;
  output("failure").hidden = false;
}
