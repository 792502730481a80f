"""Kubernetes' quantities, as whole thousandths: so that sums and comparisons are exact."""

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction

Amounts = dict[str, int]
"""Thousandths by resource: 1500 of ``cpu`` are 1.5 cores, 1000 of ``memory`` are one byte."""

_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?[0-9]{1,3}))?"
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_THOUSAND = 1000


def thousandths(text: str) -> int:
    """A quantity such as ``500m``, ``1.5Gi`` or ``1e3``, rounded up as Kubernetes rounds.

    Raises ValueError where it is none.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a quantity")
    number, suffix, exponent = Fraction(match[1]), match[2], match[3]
    if suffix in _BINARY:
        number *= 1 << _BINARY[suffix]
    else:
        number *= Fraction(10) ** (int(exponent or 0) or _DECIMAL.get(suffix or "", 0))
    return -(-number * _THOUSAND // 1)


def amounts(quantities: Mapping[str, str]) -> Amounts:
    """Quantities by resource; one that cannot be read is left out."""
    found: Amounts = {}
    for resource, text in quantities.items():
        try:
            found[resource] = thousandths(text)
        except ValueError:
            continue
    return found


def total(parts: Iterable[Mapping[str, int]]) -> Amounts:
    """The sum, resource by resource."""
    found: Amounts = {}
    for part in parts:
        for resource, value in part.items():
            found[resource] = found.get(resource, 0) + value
    return found


def largest(parts: Iterable[Mapping[str, int]]) -> Amounts:
    """The largest of each resource."""
    found: Amounts = {}
    for part in parts:
        for resource, value in part.items():
            found[resource] = max(found.get(resource, 0), value)
    return found


def words(resource: str, value: int) -> str:
    """An amount for people: ``2.5 CPU``, ``1.5Gi memory``, ``3 pods``."""
    if resource.endswith("cpu"):
        return f"{_plain(Fraction(value, _THOUSAND))} CPU"
    units = Fraction(value, _THOUSAND)
    if resource.rpartition(".")[2] in {"memory", "ephemeral-storage"} or "hugepages" in resource:
        for suffix, power in (("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)):
            if units >= 1 << power:
                return f"{_plain(units / (1 << power))}{suffix} {resource}"
        return f"{_plain(units)} bytes of {resource}"
    return f"{_plain(units)} {resource}"


def _plain(number: Fraction) -> str:
    return f"{float(number):.2f}".rstrip("0").rstrip(".")
