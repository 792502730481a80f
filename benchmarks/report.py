"""What every benchmark prints and writes: a table, and JSON with the machine named."""

import json
import os
import platform
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Where the figures were seen."""
    model = platform.processor()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def median(values: Sequence[float]) -> float:
    """The figure to quote."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]


def publish(name: str, rows: Sequence[Mapping[str, Any]], notes: Sequence[str] = ()) -> None:
    """Print rows as a table and write them to ``benchmarks/results/NAME.json``."""
    here = machine()
    say = sys.stdout.write
    say(f"\n{name} on {here['processor']}, {here['cores']} cores, Python {here['python']}\n")
    columns = list(rows[0])
    cells = [[str(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in [columns, ["-" * width for width in widths], *cells]:
        say("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + "\n")
    for note in notes:
        say(f"{note}\n")
    RESULTS.mkdir(exist_ok=True)
    document = {"name": name, "machine": here, "rows": list(rows), "notes": list(notes)}
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
