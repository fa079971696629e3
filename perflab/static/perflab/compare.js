// The comparison page: two lanes, one button. bench.js measures, stats.js judges, plot.js draws;
// page.js is what they share.

import { difference, run, warmUp } from "./bench.js";
import { setUpGrowth } from "./grow.js";
import { busy, fail, figures, form, knobs, ladder, lanes, memoryPeak, middle, one, order, out, page, parts, queries, stop, totals, verdict } from "./page.js";
import { climb, shown, strip } from "./plot.js";
import { median, quantile, ratioOfMedians } from "./stats.js";
import { setUpStory } from "./story.js";
import { setUpTakeAway } from "./take.js";
import { drawBars, setUpTraces } from "./why.js";

const ENOUGH = 3; // runs of each variant, to say anything at all
const GIVE_UP = 6; // failures in a row

// ---- The frames: each variant really loaded, one after the other so that neither slows the other.

function load(lane) {
  return new Promise((resolve) => {
    lane.frame.addEventListener("load", resolve, { once: true });
    lane.frame.src = lane.frame.dataset.src;
  });
}

/** Show what a frame's own request measured; nothing while the toolbar's work is in its times. */
function scoreFrame(lane) {
  if (lane.results.length) return;
  const figures = lane.frame.contentDocument?.querySelector(".figures");
  const board = lane.element.querySelector(".score");
  board.hidden = !figures || figures.dataset.inspect === "1";
  if (board.hidden) return;
  lane.element.querySelector("[data-label=total]").textContent = "ms, this load";
  fill(board, figures.dataset);
}

function fill(board, figures) {
  for (const cell of board.querySelectorAll("[data-figure]")) {
    const value = Number(figures[cell.dataset.figure]);
    cell.textContent = Number.isInteger(value) ? value.toLocaleString("en") : (value + 1e-6).toFixed(1); // half up, as the frame does
  }
}

/** Resolves once an element is in sight or nearly so: a phone need not load frames far below. */
function comesIntoSight(element) {
  return new Promise((resolve) => {
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (!entry.isIntersecting) return;
        observer.disconnect();
        resolve();
      },
      { rootMargin: "25%" },
    );
    observer.observe(element);
  });
}

const framed = lanes.filter((lane) => lane.frame);

async function loadFrames() {
  for (const lane of framed) {
    await load(lane);
    scoreFrame(lane);
  }
}

// ---- The knobs: what they say stands in the address, in the links and in the commands.

let lastQuery = new URL(lanes[0].element.querySelector(".alone a").href).search.replace("&inspect=0", "");

function turned() {
  if (!form.reportValidity()) return;
  const { movies, round_trip, cache, own } = knobs();
  const query = `?${new URLSearchParams({ movies, round_trip, cache, ...own })}`;
  for (const code of page.querySelectorAll(".load-section code")) {
    code.textContent = code.textContent
      .replaceAll(lastQuery, query)
      .replace(/--movies .*/, `--movies ${movies} --round-trip ${round_trip} --cache ${cache}`);
  }
  for (const lane of lanes) {
    for (const link of lane.element.querySelectorAll(".alone a")) link.search = link.search.replace(lastQuery, query);
    if (lane.frame) lane.frame.dataset.src = lane.frame.dataset.src.replace(lastQuery, query);
    const { queries: cold, warm } = lane.element.dataset;
    const [first, again] = lane.revalidates ? ["at first", "again"] : ["cold", "warm"];
    lane.element.querySelector(".promise").textContent =
      `promised: ${queries(promised(cold, movies))}${warm ? ` ${first}, ${shown(promised(warm, movies))} ${again}` : ""}`;
  }
  lastQuery = query;
  note();
  remember();
  forget();
  return loadFrames();
}

/** A promise of the registry's, "base per_row batch", as the number of queries at so many rows. */
function promised(promise, rows) {
  const [base, perRow, batch] = promise.split(" ").map(Number);
  return base + perRow * rows + (batch && Math.ceil(rows / batch));
}

/** What is honest to say beside these knobs. */
function note() {
  const { round_trip, cache } = knobs();
  for (const [name, holds] of Object.entries({
    far: round_trip > 0,
    near: !round_trip && page.dataset.vendor === "sqlite",
    locmem: page.dataset.cached === "1" && cache === "locmem",
  })) {
    const element = one(`[data-note=${name}]`);
    if (element) element.hidden = !holds;
  }
}

/** Put the set-up into the address: a link reproduces it. */
function remember() {
  const query = new URLSearchParams(new FormData(form));
  if (!query.get("cold")) query.delete("cold");
  if (page.classList.contains("projector")) query.set("projector", "1");
  history.replaceState(null, "", `?${query}`);
}

/** Take away what was measured with other knobs. */
function forget() {
  for (const lane of lanes) {
    lane.results = [];
    lane.etag = undefined;
    lane.element.querySelector("h2").textContent = lane.title;
    lane.element.querySelector("[data-strip]").hidden = true;
  }
  for (const name of ["[data-headline]", "[data-results]", "[data-why]", "[data-take]"]) one(name).hidden = true;
  out("failure").hidden = true;
}

// ---- A run.

function measure(sameVariant = false) {
  if (!form.reportValidity()) return;
  const guessed = takeGuess();
  remember();
  return busy(async (signal, progress) => {
    forget();
    const first = lanes[0];
    const again = ladder.at(-1);
    const variants = sameVariant ? [first, { ...first, results: again.results }] : lanes;
    if (sameVariant) again.element.querySelector("h2").textContent = `${first.title} again`;
    const failures = [];
    let inARow = 0;
    await warmUp(variants, signal);
    const { runs } = knobs();
    try {
      await run(variants, runs, (index, answer) => {
        progress((variants.reduce((n, lane) => n + lane.results.length, 0) + failures.length) / (runs * variants.length));
        inARow = answer.ok ? 0 : inARow + 1;
        if (answer.ok) variants[index].results.push(answer);
        else failures.push(answer.why);
        if (inARow === GIVE_UP) throw new Error("The lab has gone: the run was ended.");
        draw();
      }, signal);
    } finally {
      if (failures.length) {
        const failed = failures.length === 1 ? "1 request failed and is" : `${failures.length} requests failed and are`;
        fail(`${failed} left out of the figures: ${failures.at(-1)}`);
      }
      if (variants.every((lane) => lane.results.length >= ENOUGH)) {
        const peaks = [];
        if (page.dataset.figure === "memory" && !sameVariant) for (const lane of lanes) peaks.push(await memoryPeak(lane, signal));
        conclude(sameVariant, guessed, peaks);
      }
      else if (signal.aborted) fail("Stopped before there was enough to judge.");
    }
  });
}

function draw() {
  const top = Math.max(...lanes.flatMap(totals));
  const workers = [...new Set(lanes.flatMap((lane) => lane.results.map((r) => r.timing.worker)))].sort();
  for (const lane of lanes.filter((lane) => lane.results.length)) {
    const points = lane.results.map(({ timing }) => ({ total: timing.total, worker: timing.worker }));
    const heading = lane.element.querySelector("h2").textContent;
    const place = lane.element.querySelector("[data-strip]");
    place.replaceChildren(strip(heading, points, workers, median(totals(lane)), quantile(totals(lane), 0.95), top));
    place.hidden = false;
    const board = lane.element.querySelector(".score");
    board.hidden = false;
    lane.element.querySelector("[data-label=total]").textContent = "ms, median";
    fill(board, Object.fromEntries(["queries", "total", "sql", "hits"].map((name) => [name, middle(lane, name)])));
  }
}

// ---- The verdict.

function conclude(sameVariant, guessed, peaks) {
  const [slow, fast] = [lanes[0], ladder.at(-1)];
  Object.assign(verdict, ratioOfMedians(totals(slow), totals(fast)), { sameVariant });
  const before = middle(slow, "queries");
  const after = middle(fast, "queries");
  const saved = sameVariant ? null : saving(slow, fast, peaks);
  out("ratio").textContent = !verdict.differs
    ? "No measurable difference"
    : verdict.ratio >= 1 ? `${shown(verdict.ratio)}× faster` : `${shown(1 / verdict.ratio)}× slower`;
  out("queries").textContent = saved?.told ?? `${queries(before)} → ${queries(after)}`;
  out("interval").textContent =
    `Ratio of medians ${shown(verdict.ratio)}, 95 % interval ${shown(verdict.low)} to ${shown(verdict.high)}; `
    + `${slow.results.length} and ${fast.results.length} runs, in turn`
    + (page.dataset.clock === "client" ? "; times to the last byte, by this browser's clock." : ".");
  out("guess").hidden = !guessed;
  if (guessed) {
    const { queries: q, ratio } = guessed;
    const times = ratio && (Number(ratio) === 1 ? "that both take the same time" : `${ratio} times`);
    out("guess").textContent =
      `You guessed ${[q && queries(Number(q)), times].filter(Boolean).join(" and ")}; it is ${q && `${shown(before)} and `}${shown(verdict.ratio)}.`;
  }
  out("sentence").textContent = sameVariant ? aaSentence() : sentence(saved, fast);
  one("[data-headline]").hidden = false;
  tabulate(peaks);
  compare();
  drawBars();
  drawClimb(sameVariant);
  for (const name of ["[data-results]", "[data-why]", "[data-take]"]) one(name).hidden = false;
  if (!sameVariant) keep(before, after);
}

/** What the fast way saves in the figure of the lesson: a headline, and words for the sentence. */
function saving(slow, fast, peaks) {
  const of = {
    queries: [(lane) => middle(lane, "queries"), queries],
    bytes: [(lane) => median(lane.results.map((result) => result.bytes)), (n) => `${shown(n)} bytes`],
    memory: [(lane) => peaks[lanes.indexOf(lane)], (n) => `${shown(n / 1e6)} MB of memory`],
  };
  const [value, told] = of[page.dataset.figure] ?? of.queries;
  const [before, after] = [value(slow), value(fast)];
  if (!Number.isFinite(before + after)) return null;
  if (page.dataset.figure === "time" && before === after) return { told: `${told(before)} on either variant`, does: "" };
  const does = before > after ? `saves ${told(before - after)} and ` : before < after ? `costs ${told(after - before)} more and ` : "saves nothing of it and ";
  return { told: `${told(before)} → ${told(after)}`, does };
}

/** Every lane of a ladder on one axis, with its share of the reference where there is one. */
function drawClimb(sameVariant) {
  const place = one("[data-climb]");
  place.hidden = sameVariant || lanes.length < 3;
  if (place.hidden) return;
  const bare = lanes.find((lane) => lane.reference);
  const rows = lanes.map((lane) => {
    const ms = middle(lane, "total");
    const share = bare && lane !== bare ? `, ${shown((100 * middle(bare, "total")) / ms)} % of ${bare.title.toLowerCase()}` : "";
    return { name: lane.title, ms, css: lane.css, told: `${shown(ms)} ms, ${queries(middle(lane, "queries"))}${share}` };
  });
  const note = document.createElement("p");
  note.className = "note";
  note.textContent = bare ? `The share: how near each comes to the speed of ${bare.title.toLowerCase()}, a response that does nothing.` : "";
  place.replaceChildren(climb(rows), note);
}

const aaSentence = () =>
  verdict.differs
    ? "The same variant differed from itself: something else is at work on this machine. Run it again, with more runs."
    : "The same variant twice, and no difference: this machine is quiet enough to measure on.";

/** The end of the lesson, made from the numbers. */
function sentence(saved, fast) {
  const { movies, round_trip } = knobs();
  const distance = round_trip
    ? `a simulated round trip of ${shown(round_trip)} ms to the database`
    : page.dataset.vendor === "sqlite" ? "no network to the database" : "PostgreSQL as near as it is";
  const faster = !verdict.differs
    ? "makes no difference that can be measured"
    : verdict.ratio >= 1
      ? `makes the page ${shown(verdict.ratio)} times faster`
      : `makes the page ${shown(1 / verdict.ratio)} times slower`;
  const [most, ms] = parts(fast).sort((a, b) => b[1] - a[1])[0];
  const words = { SQL: "the database", cache: "the cache", Python: "Python: the ORM, the template, Django itself", waiting: "waiting, for a service or for the processor" };
  return `On this machine, with ${movies.toLocaleString("en")} ${page.dataset.rows} and ${distance}, `
    + `${page.dataset.remedy} ${saved?.does ?? ""}${faster}`
    + (page.dataset.clock === "client" ? "." : `; ${Math.round((100 * ms) / middle(fast, "total"))} % of what is left is ${words[most]}.`);
}

function tabulate(peaks) {
  const row = (tag, cells) => {
    const line = document.createElement("tr");
    cells.forEach((content, index) => {
      const cell = document.createElement(index && tag === "td" ? "td" : "th");
      cell.scope = tag === "th" ? "col" : index ? "" : "row";
      cell.textContent = content;
      line.append(cell);
    });
    return line;
  };
  const names = lanes.map((lane) => lane.element.querySelector("h2").textContent);
  one("[data-table]").replaceChildren(
    row("th", ["Figures", ...names]),
    ...figures(peaks).map(([name, ...numbers]) => {
      const whole = numbers.every((n) => !(n % 1));
      return row("td", [name, ...numbers.map((n) => shown(n, whole))]);
    }),
  );
  const workers = new Set(lanes.flatMap((lane) => lane.results.map((result) => result.timing.worker)));
  const drawn = workers.size === 1 ? "" : "s, told apart by filled, hollow and coloured points";
  out("workers").textContent = `Answered by ${workers.size} worker${drawn}. Solid line: median; dashed: p95.`;
}

function compare() {
  const [first, ...others] = ladder;
  const same = others.filter((lane) => !lane.differs && lane.results.length);
  const wrong = same.find((lane) => difference(first.html, lane.html ?? first.html));
  out("same").hidden = !same.length;
  const apart = lanes.filter((lane) => lane !== first && lane.results.length && !same.includes(lane)).map((lane) => lane.title);
  out("same").textContent = wrong ? "Not the same page" : `Same page${apart.length ? `, but for ${apart.join(", ")}` : ""}`;
  out("same").classList.toggle("bad", Boolean(wrong));
  out("difference").textContent = wrong ? difference(first.html, wrong.html) : "";
  out("difference").hidden = !wrong;
}

/** Let the contents page show this ratio. */
function keep(before, after) {
  if (page.dataset.local !== "1") return;
  const { ratio, low, high } = verdict;
  order(`/experiments/${page.dataset.slug}/result/`, {
    ratio, low, high, movies: knobs().movies, round_trip: knobs().round_trip, slow_queries: Math.round(before), fast_queries: Math.round(after),
  });
}

// ---- Guess first.

/** The guess, once; null when there was none. */
function takeGuess() {
  const guess = one("[data-guess]");
  if (!guess || guess.hidden) return null;
  guess.hidden = true;
  const { queries: q, ratio } = Object.fromEntries(new FormData(guess));
  return q || ratio ? { queries: q, ratio } : null;
}

// ---- Everything that a person can press.

function projector() {
  const on = page.classList.toggle("projector");
  document.body.classList.toggle("projecting", on);
  one("[data-do=projector]").setAttribute("aria-pressed", on);
  scrollTo(0, 0);
  remember();
}

const actions = {
  run: () => measure(),
  same: () => measure(true),
  stop,
  projector,
  keys: () => one("[data-keys]").showModal(),
};
const keyboard = { r: "run", s: "stop", a: "same", p: "projector", g: "grow", "?": "keys" };

page.addEventListener("click", (event) => actions[event.target.closest("[data-do]")?.dataset.do]?.());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const button = one(`[data-do="${keyboard[event.key]}"]`);
  if (!button || button.disabled || button.closest("[hidden]")) return;
  event.preventDefault();
  button.click();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  measure();
});
form.addEventListener("change", turned);
one("[data-guess]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  measure();
});
one("[data-skip]")?.addEventListener("click", () => (one("[data-guess]").hidden = true));

one("[data-flush] button")?.closest("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { action } = event.target;
  const answer = await fetch(action, { method: "POST", body: new FormData(event.target) });
  out("flushed").textContent = answer.ok ? "Forgotten, in every worker." : `Refused: status ${answer.status}.`;
  if (answer.ok) loadFrames();
});
for (const button of page.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(one(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}

Object.assign(actions, setUpGrowth(), setUpStory(), setUpTraces(), setUpTakeAway());
note();
if (new URLSearchParams(location.search).get("projector") === "1") projector();
for (const lane of framed) lane.frame.addEventListener("load", () => scoreFrame(lane));
if (one(".lanes").checkVisibility()) {
  await comesIntoSight(lanes[0].element);
  await loadFrames();
}
