"""How long it takes to load, check and compile wedding calendars, and in how much memory.

The peer in the same run is the usual way to check a CSV: `csv.DictReader` and a pydantic model a
row, ids unique. It compiles nothing and knows neither the line of an error nor duplicate columns.
Every figure is of a process of its own; rounds are interleaved.

    python benchmarks/bench_calendar.py [--most 1000000] [--rounds 3]
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date as Date  # noqa: N812
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.report import median, publish
from gate.calendars import read_calendars
from gate.core.document import read_policy
from gate.core.policy import LoadModel
from gate.core.zones import country_codes, zone_keys

ROOT = Path(__file__).parent.parent
POLICY = b"version: 1\nname: bench\ntimezone: Europe/London\n"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
ZONES = 60
WHOLE = ("days", "guests")
DEGREES = ("latitude", "longitude")


def _zone(key: str) -> str:
    return _member(key, zone_keys())


def _country(code: str | None) -> str | None:
    return None if code is None else _member(code, country_codes())


def _member(text: str, known: frozenset[str]) -> str:
    if text not in known:
        raise ValueError("unknown")
    return text


Empty = pydantic.BeforeValidator(lambda cell: None if cell == "" else cell)


class PeerRow(pydantic.BaseModel):
    """A wedding as one writes it down without haste."""

    id: str
    date: Date
    timezone: Annotated[str, pydantic.AfterValidator(_zone)]
    days: Annotated[Annotated[int, pydantic.Field(ge=1, le=31)] | None, Empty]
    culture: Annotated[str | None, Empty]
    guests: Annotated[Annotated[int, pydantic.Field(ge=1)] | None, Empty]
    venue: Annotated[str | None, Empty]
    setting: Annotated[str | None, Empty]
    country: Annotated[str | None, Empty, pydantic.AfterValidator(_country)]
    latitude: Annotated[Annotated[float, pydantic.Field(ge=-90, le=90)] | None, Empty]
    longitude: Annotated[Annotated[float, pydantic.Field(ge=-180, le=180)] | None, Empty]
    status: Annotated[Literal["confirmed", "tentative", "cancelled"] | None, Empty]


def load_with_gate(path: Path, load: LoadModel) -> int:
    """Weddings of a calendar, read, checked and compiled."""
    return read_calendars([path], load).calendar.weddings


def load_with_peer(path: Path, load: LoadModel) -> int:
    """Weddings of a CSV, read and checked."""
    ids: set[str] = set()
    weddings = 0
    with path.open(newline="", encoding="utf-8") as stream:
        for cells in csv.DictReader(stream, strict=True):
            row = PeerRow.model_validate(cells)
            if row.id in ids or (row.culture or "other") not in load.cultures:
                raise ValueError(row.id)
            ids.add(row.id)
            weddings += row.status != "cancelled"
    return weddings


READERS: dict[str, tuple[str, Callable[[Path, LoadModel], int]]] = {
    "gate csv": ("csv", load_with_gate),
    "gate jsonl": ("jsonl", load_with_gate),
    "gate json": ("json", load_with_gate),
    "csv + pydantic": ("csv", load_with_peer),
}


def measure(reader: str, path: Path) -> dict[str, Any]:
    """One load in this process: seconds and the most memory that the process ever held."""
    load = read_policy(POLICY, "bench.yaml").load
    read = READERS[reader][1]
    wall, processor = time.perf_counter(), time.process_time()
    weddings = read(path, load)
    return {
        "weddings": weddings,
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "mib": _peak_mib(),
    }


def _peak_mib() -> int:
    # Not ru_maxrss, in which a started process inherits its parent's peak.
    status = Path("/proc/self/status").read_text("ascii")
    peak_kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak_kib) // 1024


def measure_elsewhere(reader: str, path: Path) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--measure", reader, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def write_files(folder: Path, rows: int) -> dict[str, Path]:
    """The same calendar of the examples' generator in three formats."""
    paths = {kind: folder / f"{rows}.{kind}" for kind in ("csv", "json", "jsonl")}
    generator = [sys.executable, str(ROOT / "examples" / "generate_calendar.py")]
    options = ["--weddings", str(rows), "--zones", str(ZONES), "--out", str(paths["csv"])]
    subprocess.run([*generator, *options], check=True)
    lines = []
    with paths["csv"].open(newline="", encoding="utf-8") as stream:
        for cells in csv.DictReader(stream):
            wedding: dict[str, Any] = {name: cell for name, cell in cells.items() if cell}
            wedding.update({name: int(wedding[name]) for name in WHOLE if name in wedding})
            wedding.update({name: float(wedding[name]) for name in DEGREES if name in wedding})
            lines.append(json.dumps(wedding))
    paths["jsonl"].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    paths["json"].write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    return paths


def compare(folder: Path, rows: int, rounds: int) -> list[dict[str, Any]]:
    """A line of the table for each reader."""
    paths = write_files(folder, rows)
    rounds_of: dict[str, list[dict[str, Any]]] = {reader: [] for reader in READERS}
    for _ in range(rounds):
        for reader, (kind, _read) in READERS.items():
            rounds_of[reader].append(measure_elsewhere(reader, paths[kind]))
    peer = median([each["processor"] for each in rounds_of["csv + pydantic"]])
    lines = []
    for reader, measured in rounds_of.items():
        seconds = median([each["processor"] for each in measured])
        lines.append(
            {
                "rows": rows,
                "reader": reader,
                "wall s": round(median([each["wall"] for each in measured]), 3),
                "processor s": round(seconds, 3),
                "rows/s": round(rows / seconds),
                "peak MiB": max(each["mib"] for each in measured),
                "peer / this": round(peer / seconds, 2),
            }
        )
    if len({each["weddings"] for measured in rounds_of.values() for each in measured}) != 1:
        raise SystemExit("the readers do not agree on the number of weddings")
    return lines


def main() -> None:
    """Measure and publish, or measure one reader for another process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=SIZES[-1])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("READER", "FILE"))
    options = parser.parse_args()
    if options.measure:
        reader, path = options.measure
        sys.stdout.write(json.dumps(measure(reader, Path(path))))
        return
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in (size for size in SIZES if size <= options.most):
            lines += compare(Path(folder), rows, options.rounds)
    notes = [
        f"calendars of examples/generate_calendar.py in {ZONES} zones; medians of"
        f" {options.rounds} interleaved rounds, a process each; rows/s by processor time",
        "the gate's figures include compiling; the peer's only reading and checking",
    ]
    publish("calendar", lines, notes)


if __name__ == "__main__":
    main()
