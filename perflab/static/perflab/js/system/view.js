// The view: writes a state of the lab and its rates into the page.

import { drawLines } from "../charts.js";
import { formatNumber } from "../numbers.js";

export const page = document.querySelector("[data-system]");
export const output = (name) => page.querySelector(`[data-out="${name}"]`);

const POINTS = 180; // The charts show so many states: three minutes.

const percent = (share) => `${Math.round(share * 100)} %`;

function formatBytes(number) {
  const [unit, size] = number < 2 ** 30 ? ["MB", 2 ** 20] : ["GB", 2 ** 30];
  return `${(number / size).toFixed(1)} ${unit}`;
}

function formatAge(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** Format a value if it is known. */
const ifKnown = (value, format) =>
  value === null || value === undefined ? "not known" : format(value);

function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Show a message above the figures, or none. */
export function showAlert(message) {
  output("alert").hidden = !message;
  output("alert").textContent = message;
}

/**
 * Show a state. There are no rates for the first state of an instance. `delay` is the ms that the
 * lab took to answer; `history` holds the points of the charts, and gets another one.
 */
export function showState(state, rates, delay, history) {
  const { machine } = state;
  showAlert(state.note);
  output("load").textContent = machine.load_average.map((load) => load.toFixed(2)).join(" · ");
  output("queue").textContent = ifKnown(machine.run_queue, String);
  output("waiting").textContent = ifKnown(machine.accept_queue, String);
  output("memory").textContent = formatBytes(machine.memory_available_bytes);
  output("delay").textContent = formatNumber(delay);
  output("instance").textContent = state.instance;
  if (!rates) return;
  const coresBusy = rates.cores.reduce((sum, { share }) => sum + share, 0);
  output("busy").textContent = `${coresBusy.toFixed(1)} of ${rates.cores.length}`;
  output("rate").textContent = ifKnown(rates.lab, ({ rate }) => formatNumber(rate));
  output("cores").replaceChildren(...rates.cores.map(coreMeter));
  output("workers").replaceChildren(...rates.workers.map(workerRow));
  for (const part of page.querySelectorAll("[data-live]")) {
    part.hidden = part.contains(output("charts")) && !state.lab;
  }
  if (rates.lab) showHistory(state, rates.lab, history);
}

function coreMeter({ core, share }) {
  const label = make("label", `core ${core} `);
  const meter = make("meter", percent(share), { min: 0, max: 1, value: share.toFixed(3) });
  label.append(meter, make("span", percent(share)));
  return label;
}

function workerRow(worker) {
  const row = make("tr");
  row.append(
    make("td", worker.pid),
    make("td", worker.state + (worker.answers ? ", with this page" : ""), { class: "text" }),
    make("td", ifKnown(worker.cpu, percent)),
    make("td", ifKnown(worker.busy, (busy) => formatBusy(busy, worker.threads))),
    make("td", ifKnown(worker.requests, (requests) => requests.toLocaleString("en"))),
    make("td", ifKnown(worker.rate, (rate) => formatNumber(rate))),
    make("td", ifKnown(worker.memory_bytes, formatBytes)),
    make("td", formatAge(worker.age_s)),
  );
  return row;
}

/** Format how busy a worker is: as a share, or as a number of requests if it has threads. */
const formatBusy = (busy, threads) =>
  threads > 1 || busy > 1.05 ? busy.toFixed(1) : percent(busy);

/** Add a point to the history and draw it. */
function showHistory({ clock_s: time, workers }, { rate, busy }, history) {
  history.push({ time, rate, busy, workers: workers.length });
  if (history.length > POINTS) history.shift();
  const start = history[0].time;
  const lineOf = (name, css, figure) => {
    const points = history.map((point) => [Math.round(point.time - start), point[figure]]);
    return { name, css, points };
  };
  const workersTitle = "Workers, and requests under way, lately";
  const workersUnit = "requests under way; dashed: workers";
  output("charts").replaceChildren(
    drawLines("Answers per second, lately", "s", "answers per second", [
      lineOf("answers", "answers", "rate"),
    ]),
    drawLines(workersTitle, "s", workersUnit, [
      lineOf("workers", "workers", "workers"),
      lineOf("requests under way", "answers", "busy"),
    ]),
  );
}
