// A sweep: all variants are measured at many values of one knob, to see how they grow.

import { drawLines } from "../charts.js";
import { median } from "../stats.js";
import { memoryPeak, requestInTurn, requestLane } from "./client.js";
import { readKnobs } from "./knobs.js";
import { lanes } from "./lanes.js";
import { find, output, page } from "./page.js";

const RUNS = 5;
const RUNS_IF_SLOW = 2;
const SLOW_MS = 1000;
const SIZES = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const ROUND_TRIPS = [0, 1, 2, 5, 10, 20, 50];

/** The figure that is drawn beside the time: that of the lesson. */
const FIGURE = { bytes: "bytes", memory: "MB of memory" }[page.dataset.figure] ?? "queries";

/** Measure all variants at many values of a knob, and draw the charts anew after each value. */
export async function sweep(knob, signal, showProgress) {
  const { values, label, change } = await (PLANS[knob] ?? planOwnKnob)(signal, knob);
  const series = lanes.map(({ name, css }) => ({ name, css, time: [], figure: [] }));
  for (const [step, value] of values.entries()) {
    const point = `${label}, ${value.toLocaleString("en")}`;
    showProgress(step / values.length);
    output("grow").textContent = `Measuring: ${point} …`;
    const { failure, answers } = await measureAt(change(value), signal);
    if (failure) {
      output("grow").textContent = `Ended before ${point}: ${failure.why}`;
      return;
    }
    for (const [index, one] of series.entries()) {
      if (!answers[index].length) continue;
      one.time.push([value, median(answers[index].map(({ timing }) => timing.total))]);
      const figure = await lessonFigure(lanes[index], answers[index], change(value), signal);
      if (Number.isFinite(figure)) one.figure.push([value, figure]);
    }
    drawCharts(series, label);
  }
  output("grow").textContent =
    `Medians of ${RUNS} runs a point (${RUNS_IF_SLOW} where one takes over a second), `
    + "variants in turn.";
}

// A plan of a sweep: its values, its label, and the knobs to set for a value.
const PLANS = { movies: planRows, round_trip: planRoundTrip };

/** Plan a sweep of the rows, up to all that there are. */
async function planRows(signal) {
  const address = `/experiments/${page.dataset.slug}/rows.json`;
  const response = await fetch(address, { cache: "no-store", signal });
  const { rows } = await response.json();
  const most = Math.min(rows, Number(page.dataset.maxMovies));
  return {
    values: [...SIZES.filter((size) => size < most), most],
    label: page.dataset.rows,
    change: (movies) => ({ movies }),
  };
}

/** Plan a sweep of the simulated round trip to the database, with few rows. */
function planRoundTrip() {
  const movies = Math.min(readKnobs().movies, 50);
  return {
    values: ROUND_TRIPS.filter((ms) => ms <= Number(page.dataset.maxRoundTrip)),
    label: `ms of simulated round trip (${movies} ${page.dataset.rows})`,
    change: (round_trip) => ({ round_trip, movies }),
  };
}

/** Plan a sweep of a knob of the experiment's own. A 0 that means "none" is not on the axis. */
function planOwnKnob(signal, knob) {
  const select = find(`select[name="${knob}"]`);
  const text = select.labels[0].textContent.replace(select.textContent, "").trim();
  const [label, meaningOfZero] = text.split(" (0:");
  const isOnAxis = ({ text }) => parseInt(text) > 0 || (text === "0" && !meaningOfZero);
  return {
    values: [...select.options].filter(isOnAxis).map(({ value }) => Number(value)),
    label,
    change: (value) => ({ own: { ...readKnobs().own, [knob]: value } }),
  };
}

/** Request all lanes once to warm them up, then in turn; return the good answers of each lane. */
async function measureAt(changes, signal) {
  const first = [];
  for (const lane of lanes) first.push(await requestLane(lane, signal, changes));
  const failure = first.find((answer) => !answer.ok);
  if (failure) return { failure };
  const slowest = Math.max(...first.map(({ timing }) => timing.total));
  const runs = slowest > SLOW_MS ? RUNS_IF_SLOW : RUNS;
  const answers = lanes.map(() => []);
  const onAnswer = (index, answer) => {
    if (answer.ok) answers[index].push(answer);
  };
  await requestInTurn(lanes, runs, onAnswer, signal, changes);
  return { answers };
}

/** Return the lesson's figure of a lane, from its answers or from a trace of its memory. */
async function lessonFigure(lane, answers, changes, signal) {
  if (FIGURE === "queries") return median(answers.map(({ timing }) => timing.queries));
  if (FIGURE === "bytes") return median(answers.map(({ bytes }) => bytes));
  return (await memoryPeak(lane, signal, changes)) / 1e6;
}

/** Draw the time against what is swept, and the lesson's figure where it is known. */
function drawCharts(series, label) {
  const drawChart = (name, unit, key) => {
    const lines = series.map((one) => ({ ...one, points: one[key] }));
    return drawLines(`${name} against ${label}`, label, unit, lines);
  };
  const charts = [drawChart("Time", "ms", "time")];
  if (series.some(({ figure }) => figure.length)) charts.push(drawChart(FIGURE, FIGURE, "figure"));
  find("[data-charts]").replaceChildren(...charts);
}
