"""From the files that someone names to a compiled policy and calendar, or to why there is none."""

from gate.inputs.reading import Compiled, Unreadable, compile_inputs, read_inputs

__all__ = ["Compiled", "Unreadable", "compile_inputs", "read_inputs"]
