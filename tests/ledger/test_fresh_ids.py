"""Ids of what is not recorded."""

import uuid

from gate.ledger.fresh_ids import Identifiers


def test_each_id_has_the_time_of_the_clock_and_random_bits_of_its_own() -> None:
    drawn: list[int] = []

    def random(size: int) -> bytes:
        drawn.append(size)
        return b"".join(number.to_bytes(10, "big") for number in range(1, size // 10 + 1))

    identifiers = Identifiers(lambda: 1_750_000_000_123_456_789, random)
    made = [uuid.UUID(identifiers.next()) for _ in range(4096)]
    assert len(set(made)) == 4096
    assert {each.int >> 80 for each in made} == {1_750_000_000_123}
    assert len(drawn) == 1
    identifiers.next()
    assert len(drawn) == 2
