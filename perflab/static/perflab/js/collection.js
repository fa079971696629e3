// The collection: the buttons that add films or take them away, and how far a seeding has come.

const EVERY_MS = 500;

for (const place of document.querySelectorAll("[data-collection]")) setUpCollection(place);

/** Let the buttons of a place work without leaving the page, and follow a seeding under way. */
function setUpCollection(place) {
  const part = (name) => place.querySelector(`[data-part="${name}"]`);
  part("reload")?.remove();
  part("start")?.addEventListener("submit", startSeeding);
  part("stop")?.addEventListener("submit", stopSeeding);
  if ("seeding" in place.dataset) watch();

  async function startSeeding(event) {
    takeOver(event);
    if (!(await send(event.target))) return;
    showText("Starting …");
    part("stop").hidden = false;
    watch();
  }

  async function stopSeeding(event) {
    takeOver(event);
    if (await send(event.target)) showText("Stopping …");
  }

  /** Send a form, and say so where the lab refuses it; return whether it did what was asked. */
  async function send(form) {
    showFailure("");
    try {
      const headers = { Accept: "application/json" };
      const body = new FormData(form);
      const response = await fetch(form.action, { method: "POST", body, headers });
      if (response.ok) return true;
      const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
      showFailure(isJson ? (await response.json()).problem : `Refused: status ${response.status}.`);
    } catch (error) {
      showFailure(`The lab does not answer: ${error.message}`);
    }
    return false;
  }

  /** Show how far the seeding is until it has ended. */
  async function watch() {
    showSeeding(true);
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      let state;
      try {
        state = await (await fetch(place.dataset.json, { cache: "no-store" })).json();
      } catch (error) {
        showText(`No answer: ${error.message} Asking again.`);
        continue;
      }
      if (!state.seeding) return conclude(state);
      if (state.last) showText(progressText(state.last), state.last.films / state.last.target);
    }
  }

  /** Show the page anew where there are other films now, or say why there are not. */
  function conclude({ films, last }) {
    if (last && !last.was_stopped && !last.problem) {
      location.reload();
      return;
    }
    showSeeding(false);
    const there = `The collection holds ${films?.toLocaleString("en") ?? "its"} films, as before.`;
    showFailure(last?.problem ? `${last.problem} ${there}` : `Stopped. ${there}`);
  }

  function showSeeding(isSeeding) {
    part("progress").hidden = !isSeeding;
    if (part("start")) part("start").hidden = isSeeding;
  }

  function showText(text, share) {
    part("text").textContent = text;
    const bar = place.querySelector("progress");
    if (Number.isFinite(share)) bar.value = share;
    else bar.removeAttribute("value");
  }

  function showFailure(text) {
    part("failure").textContent = text;
    part("failure").hidden = !text;
  }
}

/** Keep the browser, and the page around, from sending the form too. */
function takeOver(event) {
  event.preventDefault();
  event.stopPropagation();
}

function progressText({ stage, films, target }) {
  if (stage === "starting" || !target) return `Films are being written: ${stage} …`;
  const count = `${films.toLocaleString("en")} of ${target.toLocaleString("en")} films`;
  return `${count}: ${stage}. Nothing is judged meanwhile.`;
}
