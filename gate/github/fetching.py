"""Documents over HTTPS: bounded in size and in time, without redirects."""

import time
from contextlib import closing
from urllib.parse import urlsplit

import requests

from gate.core.bounded import BeyondBoundsError, gathered

MOST_BYTES = 1 << 20
_CONNECT_SECONDS, _READ_SECONDS, _ALL_SECONDS = 3.0, 5.0, 10.0
_PIECE_BYTES = 1 << 14


def fetch(url: str) -> bytes:
    """The document at a URL. Raises OSError where it cannot be had; what it says names no secret.

    (`requests.RequestException` is one.)
    """
    with requests.Session() as session:
        # This machine is reached without whatever stands between it and the world.
        session.trust_env = urlsplit(url).hostname not in ("localhost", "127.0.0.1", "::1")
        answer = session.get(
            url, timeout=(_CONNECT_SECONDS, _READ_SECONDS), allow_redirects=False, stream=True,
            headers={"Accept": "application/json"},
        )  # fmt: skip
        with closing(answer):
            if answer.status_code != 200:
                raise OSError(f"{url} answers {answer.status_code}")
            try:
                return gathered(
                    answer.iter_content(_PIECE_BYTES), MOST_BYTES, _ALL_SECONDS, time.monotonic
                )
            except BeyondBoundsError as error:
                raise OSError(f"{url} answers {error}") from None
