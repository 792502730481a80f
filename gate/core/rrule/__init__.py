"""RFC 5545 recurrence rules over local dates: read and checked, then expanded."""

from gate.core.rrule.parsing import parse_rule
from gate.core.rrule.rule import Rule

__all__ = ["Rule", "parse_rule"]
