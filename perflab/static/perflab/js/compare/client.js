// The client: it requests pages and reads what the lab measured of each request.

const METRIC = /([a-z]+);(?:dur=([0-9.]+)|desc="([^"]*)")/g;

/** Read a `Server-Timing` header: all metrics are numbers, but for the name of the instance. */
function readTiming(header) {
  const timing = {};
  for (const [, name, duration, text] of header.matchAll(METRIC)) {
    timing[name] = name === "instance" ? text : Number(duration ?? text);
  }
  return timing;
}

/** Return a new token for the `cold` knob: no cache holds an entry under it yet. */
export function coldToken() {
  const numbers = [...crypto.getRandomValues(new Uint8Array(10))];
  return numbers.map((number) => (number % 36).toString(36)).join("");
}

/**
 * Request an address once, and return the answer:
 * - `ok`; an answer that carries no figures is not ok, and `why` tells the reason;
 * - `timing`, the figures of the server;
 * - `wall`, the ms until the last byte, and `outside`, the part of them that the server's clock
 *   does not see: the queue, the network, the browser;
 * - `bytes` on the wire, `html`, `status`, `etag`, and `trace`, the id of the request's trace.
 * With the ETag of an earlier answer, a 304 is ok too.
 */
export async function request(address, signal, etag) {
  const headers = etag ? { "If-None-Match": etag } : {};
  const start = performance.now();
  let response, html;
  try {
    response = await fetch(address, { cache: "no-store", signal, headers });
    html = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    return { ok: false, why: "the lab does not answer" };
  }
  const wall = performance.now() - start;
  const { status } = response;
  const header = response.headers.get("Server-Timing");
  const isPage = response.ok || (etag && status === 304);
  if (!isPage || !header) {
    return { ok: false, status, why: refusalText(status, html) };
  }
  const timing = readTiming(header);
  return {
    ok: true,
    status,
    timing,
    bytes: Number(response.headers.get("Content-Length") ?? byteLength(html)),
    wall,
    etag: response.headers.get("ETag"),
    outside: Math.max(0, wall - timing.total),
    trace: response.headers.get("X-Perflab-Trace"),
    html,
  };
}

/** Return why the lab refuses, in the words of its error page. */
export const refusalText = (status, html) =>
  `status ${status}. ${parseHtml(html).querySelector("main .lead")?.textContent ?? ""}`;

export const parseHtml = (html) => new DOMParser().parseFromString(html, "text/html");

const byteLength = (text) => new TextEncoder().encode(text).length;

const INSPECTED_IN_A_ROW = 20;
const INSPECTED = "somebody is inspecting pages in the same worker, so nothing can be measured there";

/** Request an address until no other page was inspected in the same worker meanwhile. */
async function requestUndisturbed(address, signal, etag) {
  for (let tries = 0; tries < INSPECTED_IN_A_ROW; tries++) {
    const answer = await request(address, signal, etag);
    if (!answer.ok || !answer.timing.inspected) return answer;
  }
  return { ok: false, why: INSPECTED, inspected: true };
}

/**
 * Request the page of a lane. Its total is the browser's time where the lesson is timed by the
 * browser; a lane that revalidates sends the ETag of its last answer.
 */
export async function requestLane(lane, signal, changes) {
  const answer = await requestUndisturbed(lane.address(changes), signal, lane.etag);
  if (!answer.ok) return answer;
  if (lane.revalidates) lane.etag = answer.etag;
  if (answer.status !== 304) lane.html = answer.html;
  if (lane.clock === "client") answer.timing.total = answer.wall;
  return answer;
}

const KNOWN_IN_A_ROW = 6; // After so many answers without a new worker, all workers are known.
const WARM_UP_MS = 6000;

/**
 * Request every lane until each worker has answered each of them, or until time is up. Return the
 * pids of all that have answered.
 */
export async function warmUp(lanes, signal) {
  const workers = lanes.map(() => new Set());
  const knownInARow = lanes.map(() => 0);
  const deadline = performance.now() + WARM_UP_MS;
  while (knownInARow.some((count) => count < KNOWN_IN_A_ROW)) {
    for (const [index, lane] of lanes.entries()) {
      const answer = await requestLane(lane, signal);
      if (!answer.ok) throw new Error(answer.why);
      const { worker } = answer.timing;
      knownInARow[index] = workers[index].has(worker) ? knownInARow[index] + 1 : 0;
      workers[index].add(worker);
    }
    if (performance.now() > deadline) break;
  }
  return new Set(workers.flatMap((pids) => [...pids]));
}

/**
 * Request every lane once in each turn; each turn begins with the next lane. `onAnswer(index,
 * answer)` gets every answer with the number of its lane, failed answers too. An answer knows its
 * `turn`.
 */
export async function requestInTurn(lanes, turns, onAnswer, signal, changes, firstTurn = 0) {
  for (let turn = firstTurn; turn < firstTurn + turns; turn++) {
    for (let step = 0; step < lanes.length; step++) {
      const index = (turn + step) % lanes.length;
      const answer = await requestLane(lanes[index], signal, changes);
      onAnswer(index, Object.assign(answer, { turn }));
    }
  }
}

/** Return the trace that the lab kept of a request. */
export async function readTrace(id, signal) {
  const response = await fetch(`/traces/${id}.json`, { signal });
  return response.json();
}

/** Return the most bytes that Python held for one request of a lane; a public lab tells none. */
export async function memoryPeak(lane, signal, changes) {
  const { trace } = await request(`${lane.address(changes)}&trace=memory`, signal);
  return trace ? (await readTrace(trace, signal)).memory_peak : NaN;
}
