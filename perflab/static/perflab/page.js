// What the page consists of: its lanes, its knobs, its places for words, and one piece of work at a time.

import { ask, token } from "./bench.js";
import { shown } from "./plot.js";
import { median, quantile } from "./stats.js";

export const page = document.querySelector("[data-compare]");
export const form = page.querySelector(".knobs");
export const one = (selector) => page.querySelector(selector);
export const out = (name) => one(`[data-out="${name}"]`);

export const lanes = [...page.querySelectorAll("[data-lane]")].map((element, index) => ({
  element,
  css: "reference" in element.dataset ? "reference" : index ? "fast" : "slow",
  name: element.dataset.lane,
  path: element.dataset.path,
  title: element.querySelector("h2").textContent,
  frame: element.querySelector("iframe[data-src]"),
  differs: element.dataset.differs,
  reference: "reference" in element.dataset,
  revalidates: "revalidates" in element.dataset,
  clock: page.dataset.clock,
  results: [],
  address: (changes) => addressOf(element.dataset.path, changes),
}));

/** The lanes that are climbed, from slow to fast: all but those for reference. */
export const ladder = lanes.filter((lane) => !lane.reference);

/** The knobs as they stand in the form. */
export function knobs() {
  const data = new FormData(form);
  return {
    movies: Number(data.get("movies")),
    round_trip: Number(data.get("round_trip")),
    cache: data.get("cache"),
    cold: data.get("cold") === "1",
    runs: Number(data.get("runs")),
    own: Object.fromEntries([...form.querySelectorAll("[data-own]")].map(({ name, value }) => [name, value])),
  };
}

/** The address of a variant with the knobs of the form, or with some of them changed; `cold` may be a token. */
function addressOf(path, changes = {}) {
  const { movies, round_trip, cache, cold, own } = { ...knobs(), ...changes };
  const query = new URLSearchParams({ movies, round_trip, cache, ...own });
  if (cold) query.set("cold", cold === true ? token() : cold);
  return `${path}?${query}`;
}

/** The noun for a number of queries. */
export const queries = (n) => `${shown(n)} ${n === 1 ? "query" : "queries"}`;

/** Send an order to the lab, as its pages' own forms do. */
export function order(address, values = {}, signal) {
  const secret = page.querySelector("[name=csrfmiddlewaretoken]").value;
  return fetch(address, { method: "POST", body: new URLSearchParams(values), headers: { "X-CSRFToken": secret }, signal });
}

let controller = null;

/** End what is under way. */
export const stop = () => controller?.abort();

/** While something is under way it can be stopped, and nothing else can be started. */
function offer(running) {
  for (const button of page.querySelectorAll("[data-do]")) {
    if (["projector", "keys"].includes(button.dataset.do)) continue;
    button.disabled = (button.dataset.do === "stop") !== running;
  }
}

/** Do something that Stop can end: `work(signal)`. The buttons say that it is under way. */
export async function busy(work) {
  if (controller) return;
  controller = new AbortController();
  page.classList.add("running");
  offer(true);
  const bar = one(".controls progress");
  bar.hidden = false;
  bar.removeAttribute("value");
  try {
    await work(controller.signal, (done) => (bar.value = done));
  } catch (error) {
    if (!controller.signal.aborted) fail(error.message);
  } finally {
    controller = null;
    bar.hidden = true;
    page.classList.remove("running");
    offer(false);
  }
}

export function fail(message) {
  out("failure").textContent = message;
  out("failure").hidden = false;
}

/**
 * Where the median request of a lane spends its time: [name, ms, css]. Waiting is what neither SQL, cache nor
 * this thread's CPU explain; the server's clock ends with its headers.
 */
export function parts(lane) {
  const [total, sql, cache, cpu] = ["total", "sql", "cache", "cpu"].map((name) => middle(lane, name));
  const outside = page.dataset.clock === "client" ? median(lane.results.map((result) => result.outside)) : 0;
  const own = Math.max(0, total - outside - sql - cache);
  const waiting = own - cpu > total / 20 ? own - cpu : 0;
  return [["SQL", sql, "sql"], ["cache", cache, "cache"], ["Python", own - waiting, "python"],
    ["waiting", waiting, "waiting"], [OUTSIDE, outside, "waiting"]].filter(([, ms], n) => n < 3 || ms);
}

const OUTSIDE = "outside the server's clock";

/** The most bytes that Python held for one request of a lane; a public lab does not tell. */
export async function memoryPeak(lane, signal, changes) {
  const { trace } = await ask(`${lane.address(changes)}&trace=memory`, signal);
  return trace ? (await (await fetch(`/traces/${trace}.json`, { signal })).json()).memory_peak : NaN;
}

export const totals = (lane) => lane.results.map((result) => result.timing.total);
export const middle = (lane, name) => median(lane.results.map((result) => result.timing[name] ?? NaN));

const FIGURES = [
  ["median, ms", (lane) => middle(lane, "total")],
  ["p95, ms", (lane) => quantile(totals(lane), 0.95)],
  ["SQL, ms", (lane) => middle(lane, "sql")],
  ["CPU, ms", (lane) => middle(lane, "cpu")],
  ["cache, ms", (lane) => middle(lane, "cache")],
  ["queries", (lane) => middle(lane, "queries")],
  ["of them repeated", (lane) => middle(lane, "duplicates")],
  ["cache hits", (lane) => middle(lane, "hits")],
  ["cache misses", (lane) => middle(lane, "misses")],
  ["bytes on the wire", (lane) => median(lane.results.map((result) => result.bytes))],
  [`${OUTSIDE}, ms`, (lane) => median(lane.results.map((result) => result.outside))],
  ["runs", (lane) => lane.results.length],
];

/** The figures as rows: a name, then one number a lane. */
export const figures = (peaks = []) =>
  [...FIGURES.map(([name, of]) => [name, ...lanes.map(of)]), ["peak memory, MB", ...peaks.map((n) => n / 1e6)]].filter((row) => row.length > 1);

/** What the last run came to: ratio, low, high, differs, sameVariant. */
export const verdict = {};
