// The words in which a run is headlined: its lesson's own figure, then the time. They are those of
// perflab/compare/headline.py, which explains them.

import { formatRatio, median } from "../stats.js";
import { formatChange } from "./figure.js";

const NO_DIFFERENCE = "no measurable difference";

/**
 * Return what is headlined in `big` type, what stands below it as `small`, the sentence about the
 * `best` variant, and whether the one that is shown `loses`.
 */
export function writeHeadline(figure, ladder, found, price = "") {
  const [first, shown] = [found.first, found.shown].map((name) =>
    ladder.find((one) => one.name === name),
  );
  const speed = describeSpeed(found.ratio, price);
  const smallSpeed = found.ratio.differs ? speed : `${speed} in time`;
  let [big, small] = [speed, ""];
  const change = formatChange(figure, first.value, shown.value);
  if (figure === "time") {
    const [before, after] = [first, shown].map(({ times }) => median(times));
    small = price ? formatChange("time", after, before) : formatChange("time", before, after);
    big = speed[0].toUpperCase() + speed.slice(1);
  } else if (figure === "correctness") {
    const verdicts = describeVerdicts(ladder, shown);
    if (verdicts) [big, small] = [verdicts, smallSpeed];
  } else if (change) {
    [big, small] = [change, smallSpeed];
  }
  const last = ladder.at(-1).name;
  const best =
    found.best === last ? "" : `Best of them: ${found.best}. The last one, ${last}, is not.`;
  return { big, small, best, loses: found.shown in found.losers && !price };
}

/** Return a ratio in words: "9.3× faster", or "3.9× slower with four indexes". */
export function describeSpeed({ differs, ratio }, price = "") {
  if (!differs) return price ? `${NO_DIFFERENCE} with ${price}` : NO_DIFFERENCE;
  if (price) {
    const times = formatRatio(Math.max(ratio, 1 / ratio));
    return `${times}× ${ratio > 1 ? "slower" : "faster"} with ${price}`;
  }
  return ratio >= 1 ? `${formatRatio(ratio)}× faster` : `${formatRatio(1 / ratio)}× slower`;
}

/** Return which variants are wrong, and that the one that is shown is right; "" if not known. */
function describeVerdicts(ladder, shown) {
  if (ladder.some(({ right }) => typeof right !== "boolean")) return "";
  const wrong = ladder
    .filter(({ right }) => !right)
    .map(({ name, words }) => `${name} ${words ?? ""}`.trim());
  if (!wrong.length) return "every variant is right";
  return [...wrong, ...(shown.right ? [`${shown.name} is ${shown.words || "right"}`] : [])].join("; ");
}
