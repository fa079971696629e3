// How does it grow? Both variants at many sizes, or at many distances.

import { askLane } from "./bench.js";
import { busy, knobs, lanes, memoryPeak, out, page } from "./page.js";
import { lines } from "./plot.js";
import { median } from "./stats.js";

const RUNS = 5;
const SLOW_MS = 1000; // from here on two runs a point have to do
const SIZES = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const DISTANCES = [0, 1, 2, 5, 10, 20, 50];

/** What is drawn beside the time: the figure of the lesson. */
const FIGURE = { bytes: "bytes", memory: "MB of memory" }[page.dataset.figure] ?? "queries";

/** Measure both variants with one knob at each of these values; draws after every value. */
async function sweep(values, change, label, signal, progress) {
  const series = lanes.map(({ name, css }) => ({ name, css, time: [], figure: [] }));
  for (const [step, value] of values.entries()) {
    progress(step / values.length);
    out("grow").textContent = `Measuring: ${label}, ${value.toLocaleString("en")} …`;
    const answers = lanes.map(() => []);
    const first = [];
    for (const lane of lanes) first.push(await askLane(lane, signal, change(value)));
    const failed = first.find((answer) => !answer.ok);
    if (failed) {
      out("grow").textContent = `Ended before ${label}, ${value.toLocaleString("en")}: ${failed.why}`;
      return;
    }
    const runs = Math.max(...first.map((answer) => answer.timing.total)) > SLOW_MS ? 2 : RUNS;
    for (let round = 0; round < runs; round++) {
      for (let turn = 0; turn < lanes.length; turn++) {
        const index = (round + turn) % lanes.length;
        const answer = await askLane(lanes[index], signal, change(value));
        if (answer.ok) answers[index].push(answer);
      }
    }
    for (const [index, one] of series.entries()) {
      if (!answers[index].length) continue;
      const middle = (of) => median(answers[index].map(of));
      one.time.push([value, middle(({ timing }) => timing.total)]);
      const of = { queries: ({ timing }) => timing.queries, bytes: ({ bytes }) => bytes }[FIGURE];
      const figure = of ? middle(of) : (await memoryPeak(lanes[index], signal, change(value))) / 1e6;
      if (Number.isFinite(figure)) one.figure.push([value, figure]);
    }
    draw(series, label);
  }
  out("grow").textContent = `Medians of ${RUNS} runs a point (2 where one takes over a second), variants in turn.`;
}

function draw(series, label) {
  const chart = (title, unit, figure) =>
    lines(title, label, unit, series.map((one) => ({ ...one, points: one[figure] })));
  page.querySelector("[data-charts]").replaceChildren(
    chart(`Time against ${label}`, "ms", "time"),
    ...(series.some((one) => one.figure.length) ? [chart(`${FIGURE} against ${label}`, FIGURE, "figure")] : []),
  );
}

const withRows = () =>
  busy(async (signal, progress) => {
    const answer = await fetch(`/experiments/${page.dataset.slug}/rows.json`, { cache: "no-store", signal });
    const { rows } = await answer.json();
    const ceiling = Math.min(rows, Number(page.dataset.maxMovies));
    const sizes = SIZES.filter((size) => size < ceiling);
    await sweep([...sizes, ceiling], (movies) => ({ movies }), page.dataset.rows, signal, progress);
  });

const withDistance = () =>
  busy(async (signal, progress) => {
    const distances = DISTANCES.filter((ms) => ms <= Number(page.dataset.maxRoundTrip));
    const movies = Math.min(knobs().movies, 50);
    const label = `ms of simulated round trip (${movies} ${page.dataset.rows})`;
    await sweep(distances, (round_trip) => ({ round_trip, movies }), label, signal, progress);
  });

/** A sweep over each knob of the experiment's own; a 0 that means none has no place on its axis. */
function ownSweeps() {
  const sweepOf = (select) => () =>
    busy(async (signal, progress) => {
      const [label, none] = select.labels[0].textContent.replace(select.textContent, "").trim().split(" (0:");
      const values = [...select.options].filter(({ text }) => parseInt(text) > 0 || (text === "0" && !none)).map(({ value }) => Number(value));
      const change = (value) => ({ own: { ...knobs().own, [select.name]: value } });
      await sweep(values, change, label, signal, progress);
    });
  return Object.fromEntries([...page.querySelectorAll("select[data-own]")].map((select) => [`grow-${select.name}`, sweepOf(select)]));
}

export const setUpGrowth = () => ({ grow: withRows, far: withDistance, ...ownSweeps() });
