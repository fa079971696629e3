// /system/: asks for the counters once a second and shows their differences.

import { lines, shown } from "./plot.js";

const EVERY_MS = 1000;
const KEPT = 180; // looks
const page = document.querySelector("[data-system]");
const out = (name) => page.querySelector(`[data-out="${name}"]`);
let seen = {}; // by instance: behind a balancer now one answers, now another

const known = (value, say) => (value === null || value === undefined ? "not known" : say(value));
const percent = (share) => `${Math.round(share * 100)} %`;
const bytes = (number) => (number < 2 ** 30 ? `${(number / 2 ** 20).toFixed(1)} MB` : `${(number / 2 ** 30).toFixed(1)} GB`);
const age = (s) => (s < 120 ? `${Math.round(s)} s` : s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`);

function node(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** What has happened between two looks: a rate a second of every counter. */
function between(before, now) {
  const seconds = now.clock_s - before.clock_s;
  const rate = (old, current) => Math.max(0, current - old) / seconds;
  const cores = now.machine.cores.map((core, n) => {
    const old = before.machine.cores[n];
    const total = core.total_s - (old?.total_s ?? 0);
    return { core: core.core, share: old && total > 0 ? Math.min(1, rate(old.busy_s, core.busy_s) * seconds / total) : 0 };
  });
  const workers = now.workers.map((worker) => {
    const old = before.workers.find((one) => one.pid === worker.pid) ?? { cpu_s: 0, busy_s: 0, requests: 0 };
    const of = (name) => (worker[name] === null ? null : rate(old[name], worker[name]));
    return { ...worker, cpu: of("cpu_s"), busy: of("busy_s"), rate: of("requests") };
  });
  const lab = now.lab && before.lab && { rate: rate(before.lab.requests, now.lab.requests), busy: rate(before.lab.busy_s, now.lab.busy_s) };
  return { cores, workers, lab };
}

function show(now, rates, delay, history) {
  const { machine } = now;
  out("alert").hidden = !now.note;
  out("alert").textContent = now.note;
  out("load").textContent = machine.load_average.map((one) => one.toFixed(2)).join(" · ");
  out("queue").textContent = known(machine.run_queue, String);
  out("waiting").textContent = known(machine.accept_queue, String);
  out("memory").textContent = bytes(machine.memory_available_bytes);
  out("delay").textContent = shown(delay);
  out("instance").textContent = now.instance;
  if (!rates) return;
  const busy = rates.cores.reduce((sum, core) => sum + core.share, 0);
  out("rate").textContent = known(rates.lab, (lab) => shown(lab.rate));
  out("busy").textContent = `${busy.toFixed(1)} of ${rates.cores.length}`;
  out("cores").replaceChildren(...rates.cores.map(({ core, share }) => {
    const label = node("label", `core ${core} `);
    label.append(node("meter", percent(share), { min: 0, max: 1, value: share.toFixed(3) }), node("span", percent(share)));
    return label;
  }));
  out("workers").replaceChildren(...rates.workers.map((worker) => {
    const row = node("tr");
    row.append(...[
      worker.pid, worker.state + (worker.answers ? ", with this page" : ""),
      known(worker.cpu, percent), known(worker.busy, (n) => (worker.threads > 1 || n > 1.05 ? n.toFixed(1) : percent(n))),
      known(worker.requests, (n) => n.toLocaleString("en")), known(worker.rate, shown),
      known(worker.memory_bytes, bytes), age(worker.age_s),
    ].map((text, n) => node("td", text, n === 1 ? { class: "text" } : {})));
    return row;
  }));
  for (const part of page.querySelectorAll("[data-live]")) part.hidden = part.contains(out("charts")) && !now.lab;
  if (rates.lab) draw(now, rates, history);
}

function draw(now, rates, history) {
  history.push({ at: now.clock_s, rate: rates.lab.rate, busy: rates.lab.busy, workers: now.workers.length });
  if (history.length > KEPT) history.shift();
  const start = history[0].at;
  const series = (name, css, figure) => ({ name, css, points: history.map((one) => [Math.round(one.at - start), one[figure]]) });
  out("charts").replaceChildren(
    lines("Answers per second, lately", "s", "answers per second", [series("answers", "answers", "rate")]),
    lines("Workers, and requests under way, lately", "s", "requests under way; dashed: workers", [series("workers", "workers", "workers"), series("requests under way", "answers", "busy")]),
  );
}

async function look() {
  const asked = performance.now();
  try {
    const answer = await fetch(page.dataset.url, { cache: "no-store" });
    if (!answer.ok) throw new Error(`The lab answers ${answer.status}.`);
    const now = await answer.json();
    const before = (seen[`${now.instance} ${now.lab?.master}`] ??= { last: null, history: [] });
    show(now, before.last && between(before.last, now), performance.now() - asked, before.history);
    before.last = now;
  } catch (error) {
    out("alert").hidden = false;
    out("alert").textContent = `No answer: ${error.message} Asking again.`;
    seen = {};
  }
}

async function watch() {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((done) => setTimeout(done, EVERY_MS));
  }
}

page.addEventListener("submit", async (event) => {
  event.preventDefault();
  const address = event.target.getAttribute("action"); // its property is the button of that name
  const order = new FormData(event.target, event.submitter);
  try {
    const answer = await fetch(address, { method: "POST", body: order, headers: { Accept: "application/json" } });
    const { before, after, problem } = await answer.json();
    out("dialled").textContent = problem ?? `${before} workers, now ${after}.`;
  } catch (error) {
    out("dialled").textContent = `No answer: ${error.message}`;
  }
});

watch();
