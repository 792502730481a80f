"""Write the benchmark's results into its page.

python -m benchmarks.webhook.page
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "benchmark-webhook.md"
_HEADINGS = {
    "webhook-deny": "Changes that are denied",
    "webhook-deny-figures": "What the gate should reach, denied",
    "webhook-allow": "Changes that are allowed",
    "webhook-allow-figures": "What the gate should reach, allowed",
    "webhook-api-server": "A PATCH through the API server",
}
_RESULTS = re.compile(r"(<!-- results -->\n).*?(<!-- end of results -->)", re.DOTALL)


def section(heading: str, result: dict[str, Any]) -> Iterator[str]:
    """The lines of one table, with its machine and its notes."""
    machine = result["machine"]
    columns = list(result["rows"][0])
    yield f"### {heading}\n"
    yield f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}.\n"
    yield "| " + " | ".join(columns) + " |"
    yield "|---" * len(columns) + "|"
    for row in result["rows"]:
        yield "| " + " | ".join(str(row[column]) for column in columns) + " |"
    yield ""
    yield from (f"- {' '.join(note.split())}" for note in result["notes"])
    yield ""


def main() -> None:
    """Replace what stands between the page's two marks."""
    lines: list[str] = []
    for name, heading in _HEADINGS.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            lines += section(heading, json.loads(path.read_text(encoding="utf-8")))
    text = PAGE.read_text(encoding="utf-8")
    filled = _RESULTS.sub(lambda found: found[1] + "\n".join(lines) + found[2], text)
    PAGE.write_text(filled, encoding="utf-8")


if __name__ == "__main__":
    main()
