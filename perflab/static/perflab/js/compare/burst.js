// Requests at the same moment: by a process beside the lab, or by this browser.

import { page, post, readRefusal } from "./page.js";
import { pause } from "./task.js";

const POLL_MS = 100;
const BUSY_POLL_MS = 500;

/**
 * Send requests to an address at the same moment, and return `{ answers, in_flight, at_work }`: how
 * many waited at once, at most, and on how many the lab worked at once, on average. A browser sends
 * at most six at once, so a process beside the lab sends a burst where it can.
 */
export async function sendTogether({ requests, burst, address, one, signal }) {
  if (burst && page.dataset.local === "1") {
    const found = await sendBurst(address, signal);
    if (found) return found;
  }
  performance.clearResourceTimings();
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: requests }, one));
  const at_work = sum(answers, ({ total }) => total) / (performance.now() - started);
  return { answers, at_work, in_flight: countInFlight(new URL(address, location.href).href) };
}

/**
 * Let a process beside the lab send the burst, and return what it brought; null where the lab does
 * not know its own address.
 */
async function sendBurst(address, signal) {
  let burst;
  while (!burst) {
    const response = await post(address.replace("/?", "/burst/?"), {}, signal);
    if (response.status === 403) return null;
    ({ burst } = await (await refuse(response)).json());
    if (!burst) await pause(BUSY_POLL_MS, signal); // Somebody else's is under way.
  }
  let response;
  do {
    await pause(POLL_MS, signal);
    response = await fetch(`/bursts/${burst}.json`, { cache: "no-store", signal });
  } while (response.status === 202);
  const found = await (await refuse(response)).json();
  if (found.failure) throw new Error(found.failure);
  return { ...found, answers: found.answers.map((answer) => ({ text: "", ...answer })) };
}

const sum = (list, read) => list.reduce((total, one) => total + read(one), 0);

/** Return how many requests to an address waited for their answers at one moment, at most. */
function countInFlight(address) {
  const spans = performance.getEntriesByName(address, "resource");
  const covers = (moment) => (span) => span.requestStart <= moment && moment < span.responseEnd;
  return Math.max(0, ...spans.map(({ requestStart }) => spans.filter(covers(requestStart)).length));
}

/** Return a response, or fail where the lab refuses. */
export async function refuse(response) {
  if (response.ok) return response;
  throw new Error(`The lab refuses: ${await readRefusal(response)}`);
}
