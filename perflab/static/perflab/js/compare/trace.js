// The trace of one request of each lane: its statements, and the lines of code that ran them.

import { svgChart, svgElement, svgLine, svgText, svgTitle } from "../charts.js";
import { formatNumber, formatQueries } from "../numbers.js";
import { readTrace, request } from "./client.js";
import { lanes } from "./lanes.js";
import { find, page } from "./page.js";

/** Trace one request of each lane, and show the traces side by side. */
export async function traceLanes(signal) {
  const columns = [];
  for (const lane of lanes) {
    const answer = await request(`${lane.address()}&trace=1`, signal);
    if (!answer.ok) throw new Error(answer.why);
    columns.push(traceColumn(lane, answer.trace, await readTrace(answer.trace, signal)));
  }
  const place = find("[data-traces]");
  place.replaceChildren(...columns);
  place.hidden = false;
}

function traceColumn(lane, id, trace) {
  const column = make("div", "", `lane ${lane.css}`);
  column.append(make("h3", `${lane.title}: one request`), drawTrace(trace));
  for (const group of trace.groups) {
    column.append(statementDetails(id, group));
    markLine(lane, group);
  }
  if (!trace.groups.length) column.append("No query at all.");
  return column;
}

/** Draw one traced request over time: a row for its queries, and one for its cache calls. */
function drawTrace({ total_ms: total, events }) {
  const width = 640;
  const left = 56;
  const right = width - 12;
  const x = (ms) => left + (ms / total) * (right - left);
  const tick = { class: "tick" };
  const axis = [
    svgText(0, 26, "SQL", tick),
    svgText(0, 54, "cache", tick),
    svgLine(left, 66, right, 66, "axis"),
    svgText(left, 84, "0", tick),
    svgText(right, 84, `${formatNumber(total)} ms`, { ...tick, "text-anchor": "end" }),
  ];
  const rectangles = events.map((event) => {
    const isQuery = event.kind === "query";
    const box = {
      x: x(event.start_ms),
      y: isQuery ? 10 : 38,
      width: Math.max(x(event.ms) - left, 1.2),
      height: 22,
      class: isQuery ? "sql" : `cache ${event.outcome}`,
    };
    const what = isQuery ? event.shape.slice(0, 120) : `cache ${event.outcome}`;
    const source = event.where ? ` from ${event.where.file}:${event.where.line}` : "";
    return svgElement("rect", box, svgTitle(`${formatNumber(event.ms)} ms: ${what}${source}`));
  });
  const title = `One request of ${formatNumber(total)} ms, its queries and cache calls`;
  return svgChart(width, 96, title, ...axis, ...rectangles);
}

/** Make the details of equal statements: their number, time and SQL, and a button for the plan. */
function statementDetails(id, { count, ms, where, shape, statement }) {
  const source = where ? ` from ${where.file}, line ${where.line}: ${where.text}` : "";
  const summary = make("summary", `${formatQueries(count)}, ${formatNumber(ms)} ms${source}`);
  const button = make("button", "Explain", "quiet small");
  button.type = "button";
  const plan = make("pre");
  plan.hidden = true;
  button.addEventListener("click", async () => {
    const response = await fetch(`/traces/${id}/${statement}/plan/`);
    plan.textContent = await response.text();
    plan.hidden = false;
  });
  const details = make("details");
  details.append(summary, make("pre", shape), button, plan);
  return details;
}

function make(tag, text = "", css = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (css) element.className = css;
  return element;
}

/** Mark the line that ran a statement, in the code that the page shows of this variant. */
function markLine(lane, { where, count }) {
  if (!where) return;
  for (const source of page.querySelectorAll(".source")) {
    const isSlow = source.closest(".lane").classList.contains("slow");
    if (isSlow !== (lane === lanes[0]) || source.dataset.file !== where.file) continue;
    const line = where.line - Number(source.dataset.firstLine) + 1;
    const element = document.getElementById(`${source.dataset.anchor}-${line}`);
    element?.classList.add("runs-queries");
    element?.setAttribute("title", `runs ${formatQueries(count)}`);
  }
}
