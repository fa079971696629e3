// A cell of a story's table: whether the answers of one step on one variant are right. The rules
// are those of perflab/compare/story_verdicts.py, and one fixture holds both to the same verdicts.

const SEVERITY = ["right", "stale", "wrong", "other"]; // of answers that are compared with a truth
const WAITED = 0.8; // Of the quickest page: on a busy machine some SQL is slow, and waits for nobody.
const NOBODY_MET = "no verdict: the votes were taken one after the other";
const HIT_RATE = "hit rate";
const ONE_WORKER = "no verdict: one worker answered them all, one after the other";

/**
 * Return the verdict on one step of one variant as `{ mark, words, text }`. The mark is right, stale,
 * other (somebody else's), wrong, again (computed again) or none (no verdict). The facts are those
 * that the Python class `Facts` names.
 */
export function judgeCell(facts) {
  const text = describe(facts);
  const errors = (facts.errors ?? 0) + sum(facts.answers, ({ errors }) => errors);
  if (facts.failure) return { mark: "none", words: `no verdict: ${facts.failure}`, text };
  if (errors) {
    const times = errors === 1 ? "once" : `${errors} times`;
    return { mark: "none", words: `no verdict: the cache failed ${times}`, text };
  }
  const judges = { once: judgeComputations, counted: judgeCount, prompt: judgeWaits };
  const judge = judges[facts.truth] ?? judgeTexts;
  const [mark, words] = judge(facts);
  const rate = facts.truth === "once" && mark !== "none" ? describeHitRate(facts) : "";
  return { mark, words: rate + words, text };
}

/** Return the verdict on a variant as `{ name, right, words, cells }`; `right` is null for none. */
export function judgeVariant(name, cells) {
  const cell = cells.find(({ mark }) => mark === "none") ?? cells.find(({ mark }) => mark !== "right");
  if (!cell) {
    const rate = cells.find(({ words }) => words.startsWith(HIT_RATE))?.words;
    return { name, right: true, words: rate ? `right: ${rate}` : "right", cells };
  }
  return { name, right: cell.mark === "none" ? null : false, words: cell.words, cells };
}

/** Return mark and words for answers that are compared with a truth; the worst one counts. */
function judgeTexts(facts) {
  const judge = facts.truth === "greeting" ? judgeGreeting : judgeContent;
  const found = facts.answers.map(({ text }) => judge(text, facts));
  const worst = Math.max(...found.map(([mark]) => SEVERITY.indexOf(mark)));
  const same = found.filter(([mark]) => mark === SEVERITY[worst]);
  const [mark, words] = same[0];
  const isPart = mark !== "right" && same.length < found.length;
  return [mark, isPart ? `${words}, ${same.length} of ${found.length} times` : words];
}

/** Return mark and words for a page that has to greet the visitor who asked. */
function judgeGreeting(text, { visitor, visitors }) {
  const words = text.replace(/[,.]/g, " ").split(/\s+/);
  if (words.includes(visitor)) return ["right", `greeted ${visitor}`];
  const other = visitors.find((name) => words.includes(name));
  if (other) return ["other", `greeted ${visitor} as ${other}`];
  return ["wrong", `did not greet ${visitor}`];
}

/** Return mark and words for a page that has to show what the data says now. */
function judgeContent(text, { now, earlier }) {
  if (now.includes(text)) return ["right", "showed what is true now"];
  if (earlier.includes(text)) return ["stale", "still showed what was true before"];
  return ["wrong", "showed what is not true"];
}

/** Return mark and words for answers of which at most one had to be computed. */
function judgeComputations({ answers, together, at_work }) {
  const computed = answers.filter(({ queries }) => queries);
  const total = computed.length;
  if (total === 0) return ["right", "nobody computed it"];
  if (total === 1) {
    const isAlone = answers.length > 1 && countWorkers(answers) === 1 && (at_work ?? 0) <= 1;
    return isAlone ? ["none", ONE_WORKER] : ["right", "one computed it"];
  }
  if (total === answers.length) return ["again", `all ${total} computed it`];
  if (countWorkers(computed) === total && !together) {
    return ["again", `each of ${total} workers computed it`];
  }
  return ["again", `${total} computed it${together ? " at once" : ""}`];
}

/** Return mark and words for a page that says how many votes were counted: "7 votes". */
function judgeCount({ answers, changed = 0, refused = 0, at_work = 2 }) {
  const counted = Number.parseInt(answers.at(-1).text, 10) || 0;
  const lost = changed - counted;
  if (lost < 0) return ["wrong", `counted ${votes(counted)}, and there were ${changed}`];
  if (lost) return ["wrong", `lost ${lost} of ${votes(changed)}${refused ? ` and refused ${refused}` : ""}`];
  if (refused) return ["wrong", `refused ${refused} of ${votes(changed + refused)}`];
  if (at_work <= 1) return ["none", NOBODY_MET];
  return ["right", `counted ${changed > 1 ? "all " : ""}${votes(changed)}`];
}

/** Return mark and words for pages of which none may wait in the database for another one. */
function judgeWaits({ answers, at_work }) {
  const quickest = Math.min(...answers.map(({ total }) => total));
  const waited = answers.filter(({ sql }) => sql > WAITED * quickest).length;
  if (waited) return ["wrong", `${waited} of ${answers.length} waited for somebody else's transaction`];
  if (answers.length > 1 && (at_work ?? 0) <= 1) return ["none", ONE_WORKER];
  return ["right", "nobody waited for another visitor"];
}

const votes = (number) => `${number} ${number === 1 ? "vote" : "votes"}`;

/** Return what was answered, in words; "" without an answer. */
function describe({ answers, truth, read, in_flight }) {
  if (!answers.length) return "";
  if (truth === "once") {
    const computed = answers.filter(({ queries }) => queries).length;
    const text = `${computed} of ${answers.length} computed it`;
    if (!in_flight) return text;
    const workers = countWorkers(answers);
    const answered = workers === 1 ? "1 worker" : `${workers} workers`;
    return `${text}; ${in_flight} in flight at once, answered by ${answered}`;
  }
  if (truth === "prompt") {
    const longest = Math.max(...answers.map(({ sql }) => Math.round(sql)));
    return `up to ${formatMs(longest)} in the database, ${sumUpTotals(answers)}`;
  }
  const text = countEqual(answers.map((answer) => answer.text || "–"));
  if (read !== "queries") return text;
  const queriesOf = ({ queries }) => `${queries} ${queries === 1 ? "query" : "queries"}`;
  return `${text} ${countEqual(answers.map(queriesOf))}`;
}

/** Return "hit rate 98 %, " where the lesson is that rate; "" elsewhere, or without a cache. */
function describeHitRate({ answers, read }) {
  const hits = sum(answers, (answer) => answer.hits);
  const asked = hits + sum(answers, ({ misses }) => misses);
  return read === "workers" && asked ? `${HIT_RATE} ${Math.round((100 * hits) / asked)} %, ` : "";
}

/** Return how long the pages took: "pages of 204 ms", "pages of 204 to 512 ms". */
function sumUpTotals(answers) {
  const totals = answers.map(({ total }) => Math.round(total));
  const [least, most] = [Math.min(...totals), Math.max(...totals)];
  return `pages of ${least === most ? "" : `${least.toLocaleString("en")} to `}${formatMs(most)}`;
}

const formatMs = (ms) => `${ms.toLocaleString("en")} ms`;

const countWorkers = (answers) => new Set(answers.map(({ worker }) => worker)).size;

const sum = (list, read) => list.reduce((total, one) => total + read(one), 0);

/** Join texts, equal ones once: "Vertigo ×3, Psycho". */
function countEqual(texts) {
  const groups = Map.groupBy(texts, (text) => text);
  return [...groups]
    .map(([text, { length }]) => (length > 1 ? `${text} ×${length}` : text))
    .join(", ");
}
