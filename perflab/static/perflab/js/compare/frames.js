// The frames: each variant's own page. They load one after the other, so that none slows another.

import { hideScore, lanes, showScore } from "./lanes.js";
import { find } from "./page.js";

const framedLanes = lanes.filter((lane) => lane.frame);
const areShown = () => !find(".lanes").hidden; // They are covered before the guess.

/** Load all frames, now or as soon as a reader comes near them; show what each of them measured. */
export async function setUpFrames() {
  if (!areShown()) return;
  for (const lane of framedLanes) lane.frame.addEventListener("load", () => scoreFrame(lane));
  await nearView(lanes[0].element);
  await loadFrames();
}

/** Load all frames with the knobs as they are now. */
export async function loadFrames() {
  if (!areShown()) return;
  for (const lane of framedLanes) {
    await loadFrame(lane.frame);
    scoreFrame(lane);
  }
}

function loadFrame(frame) {
  return new Promise((resolve) => {
    frame.addEventListener("load", resolve, { once: true });
    frame.src = frame.dataset.src;
  });
}

/**
 * Show what the request of a frame measured. A run's figures take precedence. Where the frame
 * carries the toolbar, nothing is shown: the toolbar's work is in its times.
 */
function scoreFrame(lane) {
  if (lane.results.length) return;
  const figures = lane.frame.contentDocument?.querySelector(".figures");
  if (!figures || figures.dataset.inspect === "1") hideScore(lane);
  else showScore(lane, "ms, this load", figures.dataset);
}

/** Resolve once an element is in view or nearly so: a phone need not load frames far below. */
function nearView(element) {
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
