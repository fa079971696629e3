// The two lanes of a comparison page: load each side in turn, then say what its request measured.
// The figures are those that the server put into the page itself; see middleware.py.

const lanes = [...document.querySelectorAll("[data-lane]")];

/** Load one lane's frame and resolve when it has loaded. */
function load(lane) {
  const frame = lane.querySelector("iframe[data-src]");
  return new Promise((resolve) => {
    frame.addEventListener("load", resolve, { once: true });
    frame.src = frame.dataset.src;
  });
}

/** Show what a lane's own request measured; nothing while the toolbar's work is in its times. */
function score(lane) {
  const figures = lane.querySelector("iframe").contentDocument?.querySelector(".figures");
  const board = lane.querySelector(".score");
  board.hidden = !figures || figures.dataset.inspect === "1";
  if (board.hidden) return;
  for (const cell of board.querySelectorAll("[data-figure]")) {
    const value = Number(figures.dataset[cell.dataset.figure]);
    cell.textContent = Number.isInteger(value) ? value.toLocaleString("en") : value.toFixed(1);
  }
}

// One after the other: side by side they would slow each other down.
for (const lane of lanes) {
  await load(lane);
  score(lane);
  lane.querySelector("iframe").addEventListener("load", () => score(lane));
}
