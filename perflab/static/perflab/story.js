// A story: every variant lives through the same steps, and the table tells what each was answered.

import { ask, token } from "./bench.js";
import { busy, ladder, order, page, queries } from "./page.js";

const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    setTimeout(resolve, ms);
    signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
  });

/** Like things together: "Vertigo ×3, Psycho". */
function counted(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, count]) => (count > 1 ? `${value} ×${count}` : value)).join(", ");
}

const answerIn = ({ html }) =>
  new DOMParser().parseFromString(html, "text/html").querySelector("[data-answer]")?.textContent.trim() ?? "–";

/** What a step reads from its answers, as words. */
const READERS = {
  answer: (answers) => counted(answers.map(answerIn)),
  computed: (answers) => `${answers.filter((answer) => answer.timing.queries).length} of ${answers.length} computed it`,
  queries: (answers) => counted(answers.map((answer) => queries(answer.timing.queries))),
  workers(answers) {
    const workers = Map.groupBy(answers, (answer) => answer.timing.worker);
    return [...workers].map(([pid, own]) => {
      const [hits, misses] = ["hits", "misses"].map((name) => own.reduce((sum, { timing }) => sum + timing[name], 0));
      return `worker ${pid}: ${own.length} asked, ${hits} hits, ${misses} misses`;
    }).join("; ");
  },
};

async function ordered(address, values, signal) {
  const answer = await order(address, values, signal);
  if (!answer.ok) throw new Error(`The lab refuses: status ${answer.status}.`);
}

/** One step of one variant; resolves to the words for its cell. */
async function live({ asks, wait, read, visitor, together, change }, lane, cold, signal) {
  if (wait > 0) await pause(wait * 1000, signal);
  if (visitor) await ordered("/visitor/", { name: visitor }, signal);
  const address = lane.address({ cold });
  if (change !== undefined) await ordered(address.replace("/?", "/change/?"), {}, signal);
  const answers = [];
  const one = async () => answers.push(await ask(address, signal));
  if (together !== undefined) await Promise.all(Array.from({ length: asks }, one));
  else for (let n = 0; n < asks; n++) await one();
  const failed = answers.find((answer) => !answer.ok);
  return failed ? failed.why : READERS[read](answers);
}

const play = () =>
  busy(async (signal, progress) => {
    const steps = [...page.querySelectorAll("[data-story] tbody tr")];
    const cells = (row) => row.querySelectorAll("td");
    for (const row of steps) for (const cell of cells(row)) cell.textContent = "";
    const before = await (await fetch("/visitor/", { signal })).text();
    try {
      for (const [variant, lane] of ladder.entries()) {
        const cold = token();
        for (const [number, row] of steps.entries()) {
          progress((variant * steps.length + number) / (ladder.length * steps.length));
          cells(row)[variant].textContent = await live({ ...row.dataset, asks: Number(row.dataset.asks) }, lane, cold, signal);
        }
      }
    } finally {
      const name = new DOMParser().parseFromString(before, "text/html").querySelector("[name=name]").value;
      await order("/visitor/", { name }); // whoever it was before
    }
  });

export const setUpStory = () => ({ story: play });
