// How does it grow? Both sides at many sizes, or at many distances.

import { askLane } from "./bench.js";
import { busy, knobs, lanes, out, page } from "./page.js";
import { lines } from "./plot.js";
import { median } from "./stats.js";

const RUNS = 5;
const SLOW_MS = 1000; // from here on two runs a point have to do
const SIZES = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const DISTANCES = [0, 1, 2, 5, 10, 20, 50];

/** Measure both sides with one knob at each of these values; draws after every value. */
async function sweep(values, change, label, signal, progress) {
  const series = lanes.map((lane, index) => ({ name: lane.name, css: index ? "fast" : "slow", time: [], queries: [] }));
  for (const [step, value] of values.entries()) {
    progress(step / values.length);
    out("grow").textContent = `Measuring at ${value.toLocaleString("en")} ${label} …`;
    const answers = lanes.map(() => []);
    const first = [];
    for (const lane of lanes) first.push(await askLane(lane, signal, change(value)));
    const failed = first.find((answer) => !answer.ok);
    if (failed) {
      out("grow").textContent = `Ended before ${value.toLocaleString("en")} ${label}: ${failed.why}`;
      return;
    }
    const runs = Math.max(...first.map((answer) => answer.timing.total)) > SLOW_MS ? 2 : RUNS;
    for (let round = 0; round < runs; round++) {
      for (let turn = 0; turn < lanes.length; turn++) {
        const index = (round + turn) % lanes.length;
        const answer = await askLane(lanes[index], signal, change(value));
        if (answer.ok) answers[index].push(answer.timing);
      }
    }
    series.forEach((one, index) => {
      if (!answers[index].length) return;
      one.time.push([value, median(answers[index].map((timing) => timing.total))]);
      one.queries.push([value, median(answers[index].map((timing) => timing.queries))]);
    });
    draw(series, label);
  }
  out("grow").textContent = `Medians of ${RUNS} runs a point (2 where one takes over a second), sides in turn.`;
}

function draw(series, label) {
  const chart = (title, unit, figure) =>
    lines(title, label, unit, series.map((one) => ({ ...one, points: one[figure] })));
  page.querySelector("[data-charts]").replaceChildren(
    chart(`Time against ${label}`, "ms", "time"),
    chart(`Queries against ${label}`, "queries", "queries"),
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

/** A sweep over each knob of the experiment's own. */
function ownSweeps() {
  const sweepOf = (select) => () =>
    busy(async (signal, progress) => {
      const values = [...select.options].map((option) => Number(option.value));
      const change = (value) => ({ own: { ...knobs().own, [select.name]: value } });
      await sweep(values, change, select.name, signal, progress);
    });
  return Object.fromEntries([...page.querySelectorAll("select[data-own]")].map((select) => [`grow-${select.name}`, sweepOf(select)]));
}

export const setUpGrowth = () => ({ grow: withRows, far: withDistance, ...ownSweeps() });
