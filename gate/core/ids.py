"""Identifiers of decisions: UUID version 7 (RFC 9562, 5.7)."""

RANDOM_BYTES = 10


def uuid7(unix_milliseconds: int, random: bytes) -> str:
    """A UUIDv7 from a time and ten random bytes, of which 74 bits are used."""
    bits = int.from_bytes(random[:RANDOM_BYTES], "big")
    random_a, random_b = bits >> 68, bits & ((1 << 62) - 1)
    value = unix_milliseconds << 80 | 7 << 76 | random_a << 64 | 2 << 62 | random_b
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
