// A story: every variant goes through the same steps, and a table shows what each has answered and
// whether that is right.

import { refuse, sendTogether } from "./burst.js";
import { judgeCell, judgeVariant } from "./cell.js";
import { coldToken, parseHtml, request } from "./client.js";
import { ladder, lanes } from "./lanes.js";
import { find, output, page, post } from "./page.js";
import { showCell, showVerdicts } from "./table.js";
import { pause, showFailure } from "./task.js";

const VISITOR = "/visitor/"; // Here a visitor gives the lab a name.
const STORY = `/experiments/${page.dataset.slug}/story/`; // Here the turn is taken and given back.
const TURN_POLL_MS = 500;
const UNAVAILABLE = 503;

/**
 * Play the story on every variant, each with an empty cache of its own, and fill the table. Return
 * the verdicts, one a variant: `{ name, right, words, cells }`, where `right` is null without a
 * verdict. The data that the story changes is the same in every column, and restored afterwards.
 */
export async function playStory(signal, showProgress) {
  const story = find("[data-story]");
  const rows = [...story.querySelectorAll("tbody tr")];
  const steps = rows.map(readStep);
  const cellsOf = (row) => row.querySelectorAll("td");
  for (const cell of story.querySelectorAll("td")) showCell(cell);
  output("story").textContent = "";
  output("failure").hidden = true;
  return inTurn("changes" in story.dataset, steps, signal, async (turn) => {
    const verdicts = [];
    for (const [column, lane] of ladder.entries()) {
      await turn.restart();
      const play = {
        lane,
        turn,
        signal,
        cold: coldToken(),
        truth: story.dataset.truth,
        visitors: steps.map(({ visitor }) => visitor).filter(Boolean),
        visitor: "",
        earlier: [],
        changed: 0,
        refused: 0,
      };
      const cells = [];
      for (const [number, step] of steps.entries()) {
        showProgress((column * rows.length + number) / (ladder.length * rows.length));
        const facts = await playStep(step, play);
        cells.push(judgeCell(facts));
        showCell(cellsOf(rows[number])[column], cells.at(-1), facts);
      }
      verdicts.push(judgeVariant(lane.name, cells));
    }
    showVerdicts(story.querySelectorAll("tfoot td"), verdicts);
    showNoVerdict(verdicts);
    return verdicts;
  });
}

function readStep({ dataset }) {
  const { requests, wait, visitor, read } = dataset;
  const [together, burst] = ["together", "burst"].map((name) => name in dataset);
  const changes = Number(dataset.change ?? 0);
  return { requests: Number(requests), wait: Number(wait), visitor, read, together, burst, changes };
}

/** Say below the table why there is no verdict on some variant. */
function showNoVerdict(verdicts) {
  const { words, name } = verdicts.find(({ right }) => right === null) ?? {};
  if (!words) return;
  const title = ladder.find((lane) => lane.name === name).title;
  const advice = words.includes("one worker")
    ? "A single worker cannot stampede and shares its memory with nobody: start the lab with two."
    : words.includes("one after the other")
    ? "Nobody meets anybody in a lab with a single worker: start it with two."
    : "When all parts of the lab answer (see /health/), play the story again.";
  showFailure(`${title}, ${words}. ${advice}`);
}

/**
 * Do `work(turn)`, and restore afterwards what the story changes: the data and the visitor's name.
 * Only one plays at a time where data is changed; the others wait for their turn.
 */
async function inTurn(changesData, steps, signal, work) {
  const token = coldToken() + coldToken();
  const send = (action, keepalive) => post(STORY, { action, turn: token }, null, keepalive);
  const turn = { token, restart: async () => {} };
  const end = () => send("end", true);
  const name = steps.some(({ visitor }) => visitor) ? await readVisitorName(signal) : null;
  if (changesData) {
    await waitForTurn(() => send("begin"), signal);
    turn.restart = async () => refuse(await send("restart"));
    addEventListener("pagehide", end);
  }
  try {
    return await work(turn);
  } finally {
    removeEventListener("pagehide", end);
    if (changesData) await end();
    if (name !== null) await post(VISITOR, { name });
  }
}

async function waitForTurn(begin, signal) {
  let response = await begin();
  while (response.status === 202) {
    output("story").textContent = `${await response.text()} Yours begins when that one has ended.`;
    await pause(TURN_POLL_MS, signal);
    response = await begin();
  }
  output("story").textContent = "";
  await refuse(response);
}

async function readVisitorName(signal) {
  const response = await fetch(VISITOR, { signal });
  return parseHtml(await response.text()).querySelector("[name=name]").value;
}

/**
 * Play one step on one variant, and return the facts for its verdict. A step may wait, give the
 * visitor another name and change the data; then it requests the page.
 */
async function playStep(step, play) {
  const { lane, signal, truth, visitors } = play;
  const facts = { truth, read: step.read, visitors, earlier: [...play.earlier], now: [], errors: 0 };
  facts.together = step.together || step.burst;
  facts.answers = [];
  if (step.wait > 0) await pause(step.wait * 1000, signal);
  if (step.visitor) {
    await refuse(await post(VISITOR, { name: step.visitor }, signal));
    play.visitor = step.visitor;
  }
  facts.visitor = play.visitor;
  const address = lane.address({ cold: play.cold });
  if (step.changes) Object.assign(facts, await makeChanges(step.changes, address, play));
  Object.assign(facts, { changed: play.changed, refused: play.refused });
  try {
    await addTruth(facts.now, play);
    Object.assign(facts, await readAnswers(step, address, signal));
    await addTruth(facts.now, play);
  } catch (error) {
    if (signal.aborted) throw error;
    facts.failure = error.message.replace(/\.$/, "");
  }
  play.earlier.push(...facts.now);
  return facts;
}

/**
 * Change the data as the variant does, so many times at once, and return how often the cache failed
 * meanwhile and on how many changes the lab worked at once. What it cannot change now is refused.
 */
async function makeChanges(number, address, play) {
  const makeOne = async () => {
    const changed = address.replace("/?", "/change/?");
    const response = await post(changed, { turn: play.turn.token }, play.signal);
    if (response.status === UNAVAILABLE && number > 1) return null;
    await refuse(response);
    return response.headers.get("Server-Timing") ?? "";
  };
  const started = performance.now();
  const headers = await Promise.all(Array.from({ length: number }, makeOne));
  const elapsed = performance.now() - started;
  const taken = headers.filter((header) => header !== null);
  play.changed += taken.length;
  play.refused += number - taken.length;
  const sum = (pattern) => taken.reduce((total, one) => total + Number(one.match(pattern)?.[1] ?? 0), 0);
  const errors = sum(/errors;desc="(\d+)"/);
  return number > 1 ? { errors, at_work: sum(/total;dur=([\d.]+)/) / elapsed } : { errors };
}

/** Add what the first variant that caches nothing answers now; nothing if that is no matter. */
async function addTruth(now, { truth, cold, signal }) {
  if (truth !== "first") return;
  const uncached = lanes.find(({ element }) => !("warm" in element.dataset));
  now.push((await requestOnce(uncached.address({ cold }), signal)).text);
}

/** Request the page as the step says, and return the answers, and how wide a burst was. */
async function readAnswers({ requests, burst, together }, address, signal) {
  const one = () => requestOnce(address, signal);
  if (burst || together) return sendTogether({ requests, burst, address, one, signal });
  const answers = [];
  for (let n = 0; n < requests; n++) answers.push(await one());
  return { answers };
}

async function requestOnce(address, signal) {
  const answer = await request(address, signal);
  if (!answer.ok) throw new Error(answer.why);
  const { queries, hits, misses, errors, worker, sql, total } = answer.timing;
  const text = parseHtml(answer.html).querySelector("[data-answer]")?.textContent.trim() ?? "";
  return { text, queries, hits, misses, errors, worker, sql, total };
}
