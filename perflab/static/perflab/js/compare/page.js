// The parts of the comparison page that several modules use.

import { refusalText } from "./client.js";

export const page = document.querySelector("[data-compare]");
export const form = page.querySelector(".knobs");

/** Return the first element of the page that matches a selector. */
export const find = (selector) => page.querySelector(selector);

/** Return the element of the page in which a script writes something. */
export const output = (name) => find(`[data-out="${name}"]`);

/**
 * Send a POST request to the lab, as the forms of its pages do. With `keepalive` it is sent even if
 * the page is left meanwhile.
 */
export function post(address, values = {}, signal = null, keepalive = false) {
  const token = find("[name=csrfmiddlewaretoken]").value;
  const body = new URLSearchParams(values);
  const headers = { "X-CSRFToken": token };
  return fetch(address, { method: "POST", body, headers, signal, keepalive });
}

/** Return why the lab refuses, in the words of its error page or of its plain text. */
export async function readRefusal(response) {
  if (response.headers.get("Content-Type")?.startsWith("text/plain")) return response.text();
  return refusalText(response.status, await response.text());
}
