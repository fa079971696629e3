// The system page: asks for the lab's state once a second, shows it, and changes the workers.

import { ratesBetween } from "./rates.js";
import { output, page, showAlert, showState } from "./view.js";

const EVERY_MS = 1000;

// By instance, since a balancer may let another one answer each time: its last state, its history.
let instances = {};

/** Ask for the state once, and show it beside the state before. */
async function update() {
  const start = performance.now();
  try {
    const response = await fetch(page.dataset.url, { cache: "no-store" });
    if (!response.ok) throw new Error(`The lab answers ${response.status}.`);
    const state = await response.json();
    const name = `${state.instance} ${state.lab?.master}`;
    const instance = (instances[name] ??= { last: null, history: [] });
    const rates = instance.last && ratesBetween(instance.last, state);
    showState(state, rates, performance.now() - start, instance.history);
    instance.last = state;
  } catch (error) {
    showAlert(`No answer: ${error.message} Asking again.`);
    instances = {};
  }
}

/** Send a form of the worker dial, and say what it did. */
async function changeWorkers(event) {
  event.preventDefault();
  const address = event.target.getAttribute("action"); // The property `action` is a button here.
  const body = new FormData(event.target, event.submitter);
  const headers = { Accept: "application/json" };
  try {
    const response = await fetch(address, { method: "POST", body, headers });
    const { before, after, problem } = await response.json();
    output("changed").textContent = problem ?? `${before} workers, now ${after}.`;
  } catch (error) {
    output("changed").textContent = `No answer: ${error.message}`;
  }
}

page.addEventListener("submit", changeWorkers);
for (;;) {
  if (!document.hidden) await update();
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
