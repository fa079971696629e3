// The load page: while a run goes on, it shows how far the run is; then it opens the run.

import { formatNumber } from "../numbers.js";

const EVERY_MS = 1000;
const box = document.querySelector("[data-now]");
const output = (name) => document.querySelector(`[data-out="${name}"]`);
let lastRun = null;
let isLeaving = false;

/** Return where a run is: "io-bound: point 2 of 3, 39.2 requests/s, p95 61.0 ms". */
function progressText(run) {
  if (!run) return "starting";
  if (!run.number) return run.title;
  return `${run.title}: point ${run.number} of ${run.of}, ${figuresText(run)}`;
}

function figuresText({ requests_per_s, p95_ms, phase }) {
  if (requests_per_s === null || requests_per_s === undefined) return phase;
  const p95 = p95_ms ? `, p95 ${formatNumber(p95_ms)} ms` : "";
  return `${formatNumber(requests_per_s)} requests/s${p95}`;
}

/** Ask the lab once how far the run is, and show it. */
async function update() {
  const response = await fetch(box.dataset.now, { cache: "no-store" });
  const { busy, run, problem } = await response.json();
  if (busy) {
    lastRun = run ?? lastRun;
    output("progress").textContent = progressText(run);
    output("share").value = run?.share ?? 0;
  } else if (lastRun && (await isKept(lastRun))) {
    isLeaving = true;
    location.assign(lastRun.url);
  } else {
    showFormAgain(problem);
  }
}

const isKept = async ({ url }) => (await fetch(url, { method: "HEAD" })).ok;

/** Offer the form again after a run that measured nothing, with its last message. */
function showFormAgain(problem) {
  box.hidden = true;
  document.querySelector("[data-start]")?.removeAttribute("hidden");
  output("problem").hidden = !problem;
  output("problem").textContent = problem;
}

while (!box.hidden && !isLeaving) {
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  try {
    await update();
  } catch (error) {
    output("progress").textContent = `No answer: ${error.message} Asking again.`;
  }
}
