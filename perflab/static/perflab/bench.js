// The bench: asks the lab for a variant and reads what the answer measured.

const METRIC = /([a-z]+);(?:dur=([0-9.]+)|desc="([^"]*)")/g;

/** `Server-Timing` as an object: numbers for all but the instance's name. */
export function readTiming(header) {
  const timing = {};
  for (const [, name, duration, text] of header.matchAll(METRIC)) {
    timing[name] = name === "instance" ? text : Number(duration ?? text);
  }
  return timing;
}

/** A fresh token: with it no cache entry of a variant can be warm. */
export function token() {
  return [...crypto.getRandomValues(new Uint8Array(10))].map((n) => (n % 36).toString(36)).join("");
}

/**
 * Ask for an address once. {ok, status, timing, bytes, wall, outside, html}: `bytes` on the wire,
 * `wall` ms to the last of them, `outside` the part of it on top of what the server took: the queue,
 * the way, the browser. An answer without figures, or none at all, is not ok and says why. With an
 * ETag a 304 will do.
 */
export async function ask(address, signal, etag) {
  const started = performance.now();
  let response, html;
  try {
    const headers = etag ? { "If-None-Match": etag } : {};
    response = await fetch(address, { cache: "no-store", signal, headers });
    html = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    return { ok: false, why: "the lab does not answer" };
  }
  const wall = performance.now() - started;
  const header = response.headers.get("Server-Timing");
  if (!(response.ok || (etag && response.status === 304)) || !header) {
    const said = new DOMParser().parseFromString(html, "text/html").querySelector("main .lead");
    return { ok: false, status: response.status, why: `status ${response.status}. ${said?.textContent ?? ""}` };
  }
  const timing = readTiming(header);
  return {
    ok: true,
    status: response.status,
    timing,
    bytes: Number(response.headers.get("Content-Length") ?? (html && new TextEncoder().encode(html).length)),
    wall,
    etag: response.headers.get("ETag"),
    outside: Math.max(0, wall - timing.total),
    trace: response.headers.get("X-Perflab-Trace"),
    html,
  };
}

/** Ask a lane, as its clock and its validators say. */
export async function askLane(lane, signal, changes) {
  const answer = await ask(lane.address(changes), signal, lane.etag);
  if (!answer.ok) return answer;
  if (lane.revalidates) lane.etag = answer.etag;
  if (answer.status !== 304) lane.html = answer.html;
  if (lane.clock === "client") answer.timing.total = answer.wall;
  return answer;
}

/** A page as it is compared: no white space between tags, one tag a line. */
export const normalise = (html) => html.trim().replace(/>\s*</g, ">\n<");

/** The first lines in which two pages differ, as text; "" when they are the same page. */
export function difference(one, other) {
  const a = normalise(one).split("\n");
  const b = normalise(other).split("\n");
  const at = a.findIndex((line, number) => line !== b[number]);
  if (at < 0 && a.length === b.length) return "";
  const line = at < 0 ? a.length : at;
  return `line ${line + 1}\n- ${a[line] ?? "(the page ends)"}\n+ ${b[line] ?? "(the page ends)"}`;
}

const QUIET = 6; // so many answers in a row without a new worker, and all are known
const WARM_UP_MS = 6000;

/** Ask every lane until each worker has answered each of them, within reason. */
export async function warmUp(lanes, signal) {
  const seen = lanes.map(() => new Set());
  const quiet = lanes.map(() => 0);
  const deadline = performance.now() + WARM_UP_MS;
  while (quiet.some((count) => count < QUIET)) {
    for (const [index, lane] of lanes.entries()) {
      const answer = await askLane(lane, signal);
      if (!answer.ok) throw new Error(answer.why);
      quiet[index] = seen[index].has(answer.timing.worker) ? quiet[index] + 1 : 0;
      seen[index].add(answer.timing.worker);
    }
    if (performance.now() > deadline) break;
  }
}

/**
 * Ask every lane n times, in turn, the order rotating; tell `each(index, answer)` of every answer,
 * failed ones too. A lane has an `address()`, a `clock`, and says whether it `revalidates`.
 */
export async function run(lanes, runs, each, signal) {
  for (let round = 0; round < runs; round++) {
    for (let step = 0; step < lanes.length; step++) {
      const index = (round + step) % lanes.length;
      const answer = await askLane(lanes[index], signal);
      each(index, answer);
    }
  }
}
