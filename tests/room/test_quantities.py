"""Quantities as Kubernetes reads them."""

import pytest

from gate.cluster.scaling.room.quantities import amounts, thousandths, words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1000), ("500m", 500), ("0.5", 500), (".5", 500), ("1.", 1000), ("2k", 2_000_000),
        ("1Ki", 1024_000), ("1.5Gi", 1_610_612_736_000), ("1e3", 1_000_000), ("1E3", 1_000_000),
        ("2E", 2 * 10**21), ("1Ei", 2**60 * 1000), ("100u", 1), ("1n", 1), ("1500000n", 2),
        ("12e-1", 1200), ("0", 0), ("+3", 3000), ("-1", -1000),
    ],
)  # fmt: skip
def test_a_quantity_is_whole_thousandths_rounded_up(text: str, value: int) -> None:
    assert thousandths(text) == value


@pytest.mark.parametrize("text", ["", "a", "1KB", "1 Gi", "1e", "Gi", "1.2.3", "0x10", "١"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        thousandths(text)


def test_one_that_cannot_be_read_is_left_out() -> None:
    assert amounts({"cpu": "1", "memory": "lots"}) == {"cpu": 1000}


@pytest.mark.parametrize(
    ("resource", "value", "said"),
    [
        ("cpu", 2500, "2.5 CPU"),
        ("requests.cpu", 100, "0.1 CPU"),
        ("memory", 1_610_612_736_000, "1.5Gi memory"),
        ("requests.memory", 1024_000, "1Ki requests.memory"),
        ("memory", 5000, "5 bytes of memory"),
        ("pods", 40_000, "40 pods"),
        ("nvidia.com/gpu", 1000, "1 nvidia.com/gpu"),
    ],
)
def test_amounts_are_said_in_units_of_their_own(resource: str, value: int, said: str) -> None:
    assert words(resource, value) == said
