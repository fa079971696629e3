// Take away: the results as JSON or CSV, the chart as a picture, the address.

import { figures, knobs, lanes, out, page, verdict } from "./page.js";

function save(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = `perflab-${page.dataset.slug}.${name}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  out("taken").textContent = `Saved ${link.download}.`;
}

function json() {
  const variants = lanes.map((lane) => ({
    name: verdict.sameVariant ? lanes[0].name : lane.name,
    runs: lane.results.map(({ timing, bytes, outside }) => ({ ...timing, bytes, outside })),
  }));
  const { sameVariant, ...ratio } = verdict;
  const whole = {
    version: 1,
    slug: page.dataset.slug,
    address: location.href,
    when: new Date().toISOString(),
    database: page.dataset.vendor,
    knobs: knobs(),
    ...ratio,
    variants: variants,
  };
  save("json", "application/json", JSON.stringify(whole, null, 1));
}

function csv() {
  const names = ["variant", "run", "total", "sql", "cpu", "cache", "queries", "duplicates", "hits", "misses", "bytes", "outside", "worker"];
  const rows = lanes.flatMap((lane) =>
    lane.results.map(({ timing, bytes, outside }, run) => {
      const one = { ...timing, bytes, outside, run: run + 1, variant: lane.name };
      return names.map((name) => one[name] ?? "").join(",");
    }),
  );
  save("csv", "text/csv", [names.join(","), ...rows].join("\n") + "\n");
}

// A picture on its own has no style sheet: it brings the colours it needs.
const STYLE = `text{font:14px system-ui,sans-serif;fill:#1b1c1e}.grid{stroke:#dcd8cf}.median{stroke:#1b1c1e;stroke-width:3}
.p95{stroke:#1b1c1e;stroke-width:2;stroke-dasharray:4 3}.slow .point{fill:#a83a08}.fast .point{fill:#0a6280}.big{font-size:22px;font-weight:700}`;

function svg() {
  const parts = lanes.filter((lane) => lane.results.length).map((lane, index) => {
    const plot = lane.element.querySelector("[data-strip] svg").cloneNode(true);
    plot.setAttribute("y", 70 + index * 130);
    plot.setAttribute("width", 640);
    plot.setAttribute("height", 86);
    const title = lane.element.querySelector("h2").textContent;
    return `<g class="${index ? "fast" : "slow"}"><text x="12" y="${62 + index * 130}">${title}</text>${new XMLSerializer().serializeToString(plot)}</g>`;
  });
  const figuresRow = figures().find(([name]) => name === "queries");
  const heading = `${page.dataset.title}: ${out("ratio").textContent}, queries ${figuresRow.slice(1).join(" → ")}`;
  const height = 90 + lanes.length * 130;
  const escaped = heading.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  save("svg", "image/svg+xml",
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 ${height}" width="660" height="${height}"><style>${STYLE}</style>`
    + `<rect width="660" height="${height}" fill="#fff"/><text class="big" x="12" y="30">${escaped}</text>${parts.join("")}</svg>`);
}

async function address() {
  await navigator.clipboard.writeText(location.href);
  out("taken").textContent = "The address is copied.";
}

export const setUpTakeAway = () => ({ json, csv, svg, address });
