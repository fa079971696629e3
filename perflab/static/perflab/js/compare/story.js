// A story: every variant goes through the same steps, and a table shows the answers of each.

import { formatQueries } from "../numbers.js";
import { coldToken, parseHtml, request } from "./client.js";
import { ladder } from "./lanes.js";
import { page, post, readRefusal } from "./page.js";

const VISITOR = "/visitor/"; // Here a visitor gives the lab a name.

/** Play the story on every variant, each with an empty cache of its own; fill the table. */
export async function playStory(signal, showProgress) {
  const rows = [...page.querySelectorAll("[data-story] tbody tr")];
  const cellsOf = (row) => row.querySelectorAll("td");
  for (const cell of rows.flatMap((row) => [...cellsOf(row)])) cell.textContent = "";
  const name = await readVisitorName(signal);
  try {
    for (const [column, lane] of ladder.entries()) {
      const cold = coldToken();
      for (const [number, row] of rows.entries()) {
        showProgress((column * rows.length + number) / (ladder.length * rows.length));
        cellsOf(row)[column].textContent = await playStep(row.dataset, lane, cold, signal);
      }
    }
  } finally {
    await post(VISITOR, { name }); // The name is again what it was before the story.
  }
}

async function readVisitorName(signal) {
  const response = await fetch(VISITOR, { signal });
  return parseHtml(await response.text()).querySelector("[name=name]").value;
}

/**
 * Play one step on one variant, and return the words for its cell. A step may wait, give the
 * visitor another name and change the data; then it requests the page, one by one or all together.
 */
async function playStep(step, lane, cold, signal) {
  if (step.wait > 0) await pause(step.wait * 1000, signal);
  if (step.visitor) await postOrFail(VISITOR, { name: step.visitor }, signal);
  const address = lane.address({ cold });
  if ("change" in step) await postOrFail(address.replace("/?", "/change/?"), {}, signal);
  const answers = [];
  const requestOnce = async () => answers.push(await request(address, signal));
  const times = Number(step.requests);
  if ("together" in step) await Promise.all(Array.from({ length: times }, requestOnce));
  else for (let n = 0; n < times; n++) await requestOnce();
  const failure = answers.find((answer) => !answer.ok);
  return failure ? failure.why : READERS[step.read](answers);
}

const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    setTimeout(resolve, ms);
    signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
  });

async function postOrFail(address, values, signal) {
  const response = await post(address, values, signal);
  if (!response.ok) throw new Error(`The lab refuses: ${await readRefusal(response)}`);
}

/** How each kind of step puts its answers into words. */
const READERS = {
  answer: (answers) => countEqual(answers.map(markedText)),
  computed(answers) {
    const computed = answers.filter(({ timing }) => timing.queries);
    return `${computed.length} of ${answers.length} computed it`;
  },
  queries: (answers) => countEqual(answers.map(({ timing }) => formatQueries(timing.queries))),
  workers(answers) {
    const workers = Map.groupBy(answers, ({ timing }) => timing.worker);
    return [...workers].map(([pid, own]) => workerText(pid, own)).join("; ");
  },
};

/** Return the text that a page marks as its answer. */
const markedText = ({ html }) =>
  parseHtml(html).querySelector("[data-answer]")?.textContent.trim() ?? "–";

function workerText(pid, answers) {
  const [hits, misses] = ["hits", "misses"].map((name) =>
    answers.reduce((sum, { timing }) => sum + timing[name], 0),
  );
  return `worker ${pid}: ${answers.length} requests, ${hits} hits, ${misses} misses`;
}

/** Join texts, equal ones once: "Vertigo ×3, Psycho". */
function countEqual(texts) {
  const groups = Map.groupBy(texts, (text) => text);
  return [...groups]
    .map(([text, { length }]) => (length > 1 ? `${text} ×${length}` : text))
    .join(", ");
}
