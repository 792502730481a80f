"""From the files that someone names to a compiled policy and calendar, or to why there is none."""

from gate.inputs.observed import observed_now, observes, trouble_of, with_seen
from gate.inputs.reading import Compiled, Unreadable, compile_inputs, read_inputs

__all__ = [
    "Compiled",
    "Unreadable",
    "compile_inputs",
    "observed_now",
    "observes",
    "read_inputs",
    "trouble_of",
    "with_seen",
]
