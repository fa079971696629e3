// The difference between two pages of HTML, by the rules of the Python module `page_diff`.

/** Return a page as it is compared: no white space between tags, and one tag a line. */
const toLines = (html) => html.trim().replace(/>\s*</g, ">\n<").split("\n");

/** Return the first lines in which two pages differ, as text; "" if the pages are the same. */
export function firstDifference(one, other) {
  const [a, b] = [toLines(one), toLines(other)];
  let index = a.findIndex((line, number) => line !== b[number]);
  if (index < 0) {
    if (a.length === b.length) return "";
    index = a.length; // The other page goes on.
  }
  const lineOf = (lines) => lines[index] ?? "(the page ends)";
  return `line ${index + 1}\n- ${lineOf(a)}\n+ ${lineOf(b)}`;
}
