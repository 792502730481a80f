"""UUIDv7 by RFC 9562."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from gate.core.ids import uuid7


@given(st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))
def test_version_variant_and_time(milliseconds: int, random: bytes) -> None:
    parsed = uuid.UUID(uuid7(milliseconds, random))
    assert str(parsed) == uuid7(milliseconds, random)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == milliseconds
