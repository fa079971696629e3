// The results below the headline: the ladder, whether the pages are equal, the table, the bars.

import { formatNumber, formatQueries } from "../numbers.js";
import { SECTIONS } from "./clear.js";
import { drawBar, drawLadder } from "./drawings.js";
import { differenceOf } from "./facts.js";
import { showFigures } from "./figures.js";
import { readKnobs } from "./knobs.js";
import { heading, ladder, lanes, medianOf, timeParts } from "./lanes.js";
import { find, output, page, post } from "./page.js";
import { verdict } from "./verdict.js";

/** Show the results of the last run; `peaks` are the lanes' peaks of memory, where they count. */
export function showResults(peaks) {
  showFigures(peaks);
  showSameness();
  showBars();
  showLadder();
  for (const section of SECTIONS) find(section).hidden = false;
}

/** Say whether all variants showed the same page, and where one differs that should not. */
function showSameness() {
  const [first, ...others] = ladder;
  const measured = lanes.filter((lane) => lane !== first && lane.results.length);
  const comparable = others.filter((lane) => !lane.differs && lane.results.length);
  const notCompared = measured.filter((lane) => !comparable.includes(lane));
  const wrong = comparable.find(differenceOf);
  const names = notCompared.map(({ title }) => title).join(", ");
  const same = names ? `Same page, except for ${names}` : "Same page";
  output("same").hidden = !comparable.length;
  output("same").textContent = wrong ? "Not the same page" : same;
  output("same").classList.toggle("bad", Boolean(wrong));
  output("difference").textContent = wrong ? differenceOf(wrong) : "";
  output("difference").hidden = !wrong;
}

/** Draw where each lane's time goes: one bar a lane, all on one scale. */
function showBars() {
  const measured = lanes.filter(({ results }) => results.length);
  const slowest = Math.max(...measured.map((lane) => medianOf(lane, "total")));
  const bars = measured.map((lane) => {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = heading(lane).textContent;
    figure.append(caption, drawBar(lane.name, timeParts(lane), slowest));
    return figure;
  });
  find("[data-bars]").replaceChildren(...bars);
}

/** Draw a ladder, with each lane's share of the reference's speed where there is a reference. */
function showLadder() {
  const place = find("[data-ladder]");
  place.hidden = verdict.sameVariant || lanes.length < 3;
  if (place.hidden) return;
  const reference = lanes.find((lane) => lane.reference);
  const referenceName = reference?.title.toLowerCase();
  const shareText = (lane, ms) => {
    if (!reference || lane === reference) return "";
    const percent = (100 * medianOf(reference, "total")) / ms;
    return `, ${formatNumber(percent)} % of ${referenceName}`;
  };
  const rows = lanes.map((lane) => {
    const ms = medianOf(lane, "total");
    const queries = formatQueries(medianOf(lane, "queries"));
    const text = `${formatNumber(ms)} ms, ${queries}${shareText(lane, ms)}`;
    const loss = verdict.losers?.[lane.name];
    const css = loss ? "loses" : lane.css;
    return { name: lane.title, ms, css, text: loss ? `${text}, ${loss}` : text };
  });
  const note = document.createElement("p");
  note.className = "note";
  note.textContent = reference
    ? `The share: the speed of each variant beside that of ${referenceName}, `
      + "a response that does nothing."
    : "";
  place.replaceChildren(drawLadder(rows), note);
}

/** Let the lab keep the verdict, so that the contents page can show it. */
export function keepResult() {
  if (page.dataset.local !== "1") return;
  const { ratio, low, high, otherCores, check, headline } = verdict;
  const { movies, round_trip } = readKnobs();
  post(`/experiments/${page.dataset.slug}/result/`, {
    ratio,
    low,
    high,
    movies,
    round_trip,
    big: headline.big,
    small: headline.small,
    best: headline.best,
    ...(otherCores !== null && { other_cores: otherCores }),
    ...(check && { check_ratio: check.ratio, check_low: check.low, check_high: check.high }),
  });
}
