// Why? Where the time goes, which statements were run, and which line asked for them.

import { ask } from "./bench.js";
import { busy, lanes, middle, page, parts, queries } from "./page.js";
import { bar, shown, waterfall } from "./plot.js";

/** A stacked bar a variant, on one axis. */
export function drawBars() {
  const top = Math.max(...lanes.map((lane) => middle(lane, "total")));
  page.querySelector("[data-bars]").replaceChildren(
    ...lanes.map((lane) => {
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      caption.textContent = lane.element.querySelector("h2").textContent;
      figure.append(caption, bar(lane.name, parts(lane), top));
      return figure;
    }),
  );
}

function trace() {
  return busy(async (signal) => {
    const columns = [];
    for (const lane of lanes) {
      const answer = await ask(`${lane.address()}&trace=1`, signal);
      if (!answer.ok) throw new Error(answer.why);
      const found = await (await fetch(`/traces/${answer.trace}.json`, { signal })).json();
      columns.push(column(lane, answer.trace, found));
    }
    const place = page.querySelector("[data-traces]");
    place.replaceChildren(...columns);
    place.hidden = false;
  });
}

function column(lane, id, found) {
  const place = document.createElement("div");
  place.className = `lane ${lane.css}`;
  const heading = document.createElement("h3");
  heading.textContent = `${lane.title}: one request`;
  place.append(heading, waterfall(found));
  for (const group of found.groups) place.append(statement(lane, id, group));
  if (!found.groups.length) place.append("No query at all.");
  return place;
}

function statement(lane, id, group) {
  const item = document.createElement("details");
  const summary = document.createElement("summary");
  const asked = group.where ? ` from ${group.where.file}, line ${group.where.line}: ${group.where.text}` : "";
  summary.textContent = `${queries(group.count)}, ${shown(group.ms)} ms${asked}`;
  const sql = document.createElement("pre");
  sql.textContent = group.shape;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet small";
  button.textContent = "Explain";
  const plan = document.createElement("pre");
  plan.hidden = true;
  button.addEventListener("click", async () => {
    const answer = await fetch(`/traces/${id}/${group.statement}/plan/`);
    plan.textContent = await answer.text();
    plan.hidden = false;
  });
  item.append(summary, sql, button, plan);
  mark(lane, group);
  return item;
}

/** Mark the line that asked, in this variant's sources. */
function mark(lane, { where, count }) {
  if (!where) return;
  for (const source of page.querySelectorAll(".source")) {
    const line = where.line - Number(source.dataset.firstLine) + 1;
    const variant = source.closest(".lane").classList.contains("slow") === (lane === lanes[0]);
    if (!variant || source.dataset.file !== where.file) continue;
    const element = document.getElementById(`${source.dataset.anchor}-${line}`);
    element?.classList.add("asked");
    element?.setAttribute("title", `asks for ${queries(count)}`);
  }
}

export const setUpTraces = () => ({ trace });
