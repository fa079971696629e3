// What a person can take away: the results as JSON, CSV and SVG, and the page's address.

import { readKnobs } from "./knobs.js";
import { heading, lanes, medianOf } from "./lanes.js";
import { output, page } from "./page.js";
import { verdict } from "./verdict.js";

/** Let the browser save a file. */
function save(extension, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = `perflab-${page.dataset.slug}.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  output("taken").textContent = `Saved ${link.download}.`;
}

/** Save the set-up, the verdict and the figures of all runs. */
export function saveJson() {
  const { sameVariant, ...ratio } = verdict;
  const content = {
    version: 2,
    slug: page.dataset.slug,
    address: location.href,
    when: new Date().toISOString(),
    database: page.dataset.vendor,
    knobs: readKnobs(),
    ...ratio,
    variants: lanes.map((lane) => ({
      name: sameVariant ? lanes[0].name : lane.name,
      runs: lane.results.map(figuresOf),
    })),
  };
  save("json", "application/json", JSON.stringify(content, null, 1));
}

const figuresOf = ({ timing, bytes, outside }) => ({ ...timing, bytes, outside });

const COLUMNS = [
  ...["variant", "run", "total", "sql", "cpu", "cache", "queries", "duplicates"],
  ...["hits", "misses", "bytes", "outside", "worker"],
];

/** Save the figures of all runs, a run a row. */
export function saveCsv() {
  const rows = lanes.flatMap((lane) =>
    lane.results.map((answer, index) => {
      const figures = { ...figuresOf(answer), variant: lane.name, run: index + 1 };
      return COLUMNS.map((name) => figures[name] ?? "");
    }),
  );
  save("csv", "text/csv", [COLUMNS, ...rows].map((row) => `${row.join(",")}\n`).join(""));
}

// A picture in a file has no style sheet of the page, so it brings its own colours.
const PICTURE_STYLE = `
text { font: 14px system-ui, sans-serif; fill: #1b1c1e }
.big { font-size: 22px; font-weight: 700 }
.grid { stroke: #dcd8cf }
.median { stroke: #1b1c1e; stroke-width: 3 }
.p95 { stroke: #1b1c1e; stroke-width: 2; stroke-dasharray: 4 3 }
.slow .point { fill: #a83a08 }
.fast .point { fill: #0a6280 }
`;

/** Save the charts of all lanes as one picture, with the headline above them. */
export function saveSvg() {
  const charts = lanes.filter(({ results }) => results.length).map(laneChart);
  const queries = lanes.map((lane) => medianOf(lane, "queries")).join(" → ");
  const title = `${page.dataset.title}: ${output("figure").textContent}, queries ${queries}`;
  const height = 90 + lanes.length * 130;
  const size = `viewBox="0 0 660 ${height}" width="660" height="${height}"`;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size}>`,
    `<style>${PICTURE_STYLE}</style>`,
    `<rect width="660" height="${height}" fill="#fff"/>`,
    `<text class="big" x="12" y="30">${escapeXml(title)}</text>`,
    ...charts,
    "</svg>",
  ];
  save("svg", "image/svg+xml", parts.join(""));
}

/** Return the chart of a lane under its name, as SVG text. */
function laneChart(lane, index) {
  const top = 62 + index * 130;
  const chart = lane.element.querySelector("[data-strip] svg").cloneNode(true);
  chart.setAttribute("y", top + 8);
  chart.setAttribute("width", 640);
  chart.setAttribute("height", 86);
  const name = `<text x="12" y="${top}">${escapeXml(heading(lane).textContent)}</text>`;
  const svg = new XMLSerializer().serializeToString(chart);
  return `<g class="${index ? "fast" : "slow"}">${name}${svg}</g>`;
}

const escapeXml = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** Copy the page's address, which reproduces the set-up. */
export async function copyAddress() {
  await navigator.clipboard.writeText(location.href);
  output("taken").textContent = "The address is copied.";
}
