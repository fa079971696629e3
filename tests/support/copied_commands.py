"""Read the commands that an experiment's page offers to copy."""

import html
import re


def commands(lab, program):
    """The lines for this program on the page of n-plus-one: slow first, then fast."""
    page = lab.get("/experiments/n-plus-one/").text
    blocks = re.findall(r'<pre class="commands"[^>]*><code>(.*?)</code></pre>', page, re.DOTALL)
    lines = [line for block in blocks for line in html.unescape(block).splitlines()]
    found = [line for line in lines if line.startswith(f"{program} ")]
    assert found, f"the page has no command for {program}"
    return found
