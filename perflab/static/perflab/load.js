// /load/: while a run goes on, asks how far it is; then opens it.

import { shown } from "./plot.js";

const EVERY_MS = 1000;
const box = document.querySelector("[data-now]");
const out = (name) => document.querySelector(`[data-out="${name}"]`);

function told(run) {
  if (!run) return "starting";
  const rate = run.requests_per_s ?? null;
  const figures = rate === null ? run.phase : `${shown(rate)} requests/s${run.p95_ms ? `, p95 ${shown(run.p95_ms)} ms` : ""}`;
  return run.number ? `${run.title}: point ${run.number} of ${run.of}, ${figures}` : run.title;
}

let last = null;
while (!box.hidden) {
  await new Promise((done) => setTimeout(done, EVERY_MS));
  try {
    const now = await (await fetch(box.dataset.now, { cache: "no-store" })).json();
    if (now.busy) {
      last = now.run ?? last;
      out("told").textContent = told(now.run);
      out("share").value = now.run?.share ?? 0;
    } else if (last && (await fetch(last.url, { method: "HEAD" })).ok) {
      location.assign(last.url);
      break;
    } else { // it came to nothing
      box.hidden = true;
      document.querySelector("[data-start]")?.removeAttribute("hidden");
      out("said").hidden = !now.said;
      out("said").textContent = now.said;
    }
  } catch (error) {
    out("told").textContent = `No answer: ${error.message} Asking again.`;
  }
}
