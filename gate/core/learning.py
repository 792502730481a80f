"""What observed load teaches about the factors of cultures.

Each sample holds what was booked of each culture and what was observed, of each culture or as a
whole. Wanted are the ratios r of the cultures for which the sum of squares of

    observed - sum over cultures of r[culture] * booked[culture]

is least. A ratio is drawn towards 1, the policy's own factor, as strongly as `PRIOR` of the least
number of samples would draw it, so that cultures which always marry together do not run apart; and
it stays within the policy's bounds. A culture with too few samples of its own keeps 1.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

from gate.core.policy import LearnedRules, LoadModel

PRIOR = 0.1
_ROUNDS = 500
_SETTLED = 1e-9
_PLACES = 4
_LEAST_UNITS = 1e-6
"""Less than that teaches nothing, and its square may be no number at all."""


class LoadedHour(msgspec.Struct, frozen=True, kw_only=True):
    """A sample, in units: what was booked by culture, and what was observed.

    ``observed`` is by culture; what belongs to none in particular stands under ``*``.
    """

    booked: Mapping[str, float]
    observed: Mapping[str, float]


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """The factor of a culture by what was observed, and of how many samples it was learnt."""

    culture: str
    own: Fraction
    factor: Fraction
    samples: int


def learn(samples: Sequence[LoadedHour], load: LoadModel, rules: LearnedRules) -> list[Learnt]:
    """The factors of the cultures that have enough samples, in the order of their names."""
    equations = list(_equations(samples))
    counts = {
        culture: sum(1 for booked, _ in equations if booked.get(culture))
        for culture in load.cultures
    }
    known = [name for name in sorted(load.cultures) if counts[name] >= rules.at_least_samples]
    low, high = map(float, rules.bounds)
    ratios = dict.fromkeys(load.cultures, 1.0)
    strength = {
        name: PRIOR
        * rules.at_least_samples
        * sum(booked.get(name, 0.0) ** 2 for booked, _ in equations)
        / counts[name]
        for name in known
    }
    left = [
        observed - sum(units * ratios.get(name, 1.0) for name, units in booked.items())
        for booked, observed in equations
    ]
    for _ in range(_ROUNDS):
        moved = 0.0
        for name in known:
            moved = max(moved, _improve(name, ratios, left, equations, strength[name], low, high))
        if moved < _SETTLED:
            break
    return [
        Learnt(
            culture=name,
            own=load.cultures[name].factor,
            factor=_bounded(load.cultures[name].factor, ratios[name], rules),
            samples=counts[name],
        )
        for name in known
    ]


def _equations(samples: Sequence[LoadedHour]) -> list[tuple[Mapping[str, float], float]]:
    """Booked by culture and observed. Where all of it is told by culture, one for each culture."""
    made: list[tuple[Mapping[str, float], float]] = []
    for sample in samples:
        booked = {name: units for name, units in sample.booked.items() if units > _LEAST_UNITS}
        if not booked:
            continue
        if "*" in sample.observed or not sample.observed:
            made.append((booked, sum(sample.observed.values())))
        else:
            made += [
                ({name: units}, sample.observed.get(name, 0.0)) for name, units in booked.items()
            ]
    return made


def _improve(
    name: str,
    ratios: dict[str, float],
    left: list[float],
    equations: Sequence[tuple[Mapping[str, float], float]],
    strength: float,
    low: float,
    high: float,
) -> float:
    """The best ratio of one culture while the others stay; by how much it has moved."""
    before = ratios[name]
    above, below = strength, strength
    for at, (booked, _) in enumerate(equations):
        units = booked.get(name, 0.0)
        if units:
            above += units * (left[at] + before * units)
            below += units * units
    after = min(max(above / below, low), high)
    ratios[name] = after
    for at, (booked, _) in enumerate(equations):
        left[at] -= (after - before) * booked.get(name, 0.0)
    return abs(after - before)


def _bounded(own: Fraction, ratio: float, rules: LearnedRules) -> Fraction:
    """The factor as a decimal of few places, within the bounds all the same."""
    factor = Fraction(f"{float(own) * ratio:.{_PLACES}f}")
    low, high = rules.bounds
    return min(max(factor, own * low), own * high)


def with_factors(load: LoadModel, factors: Mapping[str, Fraction], *, least: bool) -> LoadModel:
    """The model with other factors; ``least``: where they are above the cultures' own."""
    return msgspec.structs.replace(
        load,
        cultures={
            name: msgspec.structs.replace(
                culture,
                factor=max(factors.get(name, culture.factor), culture.factor)
                if least
                else factors.get(name, culture.factor),
            )
            for name, culture in load.cultures.items()
        },
    )
