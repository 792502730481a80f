"""What a target and all its processes use, as Linux counts it in ``/proc``."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MIB_KIB = 1024


@dataclass(frozen=True)
class Usage:
    """Of one tree of processes, at one moment."""

    cpu_seconds: float
    """User and system time of all that live, and of the ended ones that were waited for."""
    rss_mib: tuple[float, ...]
    """Resident memory of each process, the first one's first. Shared pages count in each."""


def _stat(pid: int) -> list[str] | None:
    """The fields of ``/proc/PID/stat`` after the command's name; None where it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def tree(root: int) -> list[int]:
    """A process and all below it, the process itself first."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            children.setdefault(int(fields[1]), []).append(int(name))
    found = [root]
    for pid in found:
        found.extend(sorted(children.get(pid, ())))
    return found


def usage(root: int) -> Usage:
    """What a process and all below it have used so far."""
    seconds = 0.0
    rss = []
    for pid in tree(root):
        fields = _stat(pid)
        if fields is not None:
            # proc(5): utime, stime, cutime, cstime are fields 14 to 17 of the whole line.
            seconds += sum(map(int, fields[11:15])) / _TICKS
            rss.append(_rss_mib(pid))
    return Usage(cpu_seconds=seconds, rss_mib=tuple(rss))


def _rss_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    kib = next((line.split()[1] for line in lines if line.startswith("VmRSS:")), "0")
    return int(kib) / _MIB_KIB


def busy_seconds() -> float:
    """Processor seconds that the machine has spent on anything since it started."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _, _, interrupts, soft_interrupts, stolen = map(int, fields)
    return (user + nice + system + interrupts + soft_interrupts + stolen) / _TICKS
