"""Parts of the webhook that are judged without a server."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.core.problems import InputError
from gate.service.webhook.app import timeout_of
from gate.service.webhook.budget import Budget
from gate.service.webhook.tls import Certificate
from tests.webhook.certificates import Authority

NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        (b"timeout=10s", 10.0),
        (b"timeout=3s&x=1", 3.0),
        (b"x=1&timeout=1m30s", 90.0),
        (b"timeout=1.5s", 1.5),
        (b"timeout=250ms", 0.25),
        (b"timeout=1h", 3600.0),
        (b"", None),
        (b"timeout=", None),
        (b"timeout=10", None),
        (b"timeout=s", None),
        (b"timeout=-1s", None),
        (b"timeout=10sx", None),
        (b"Timeout=10s", None),
    ],
)
def test_timeout_is_a_go_duration(query: bytes, seconds: float | None) -> None:
    assert timeout_of(query) == seconds


def test_a_budget_is_given_in_turn() -> None:
    async def run() -> None:
        budget = Budget(10)
        await budget.take(7)
        order: list[str] = []

        async def taker(name: str, size: int) -> None:
            await budget.take(size)
            order.append(name)

        async with asyncio.TaskGroup() as group:
            group.create_task(taker("large", 8))
            await asyncio.sleep(0)
            group.create_task(taker("small", 2))
            await asyncio.sleep(0)
            assert order == []
            budget.give(7)
        assert order == ["large", "small"]
        assert budget.held == 10

    asyncio.run(run())


@pytest.mark.parametrize("served", [False, True])
def test_who_gives_up_waiting_leaves_nothing_behind(served: bool) -> None:
    async def run() -> None:
        budget = Budget(4)
        await budget.take(4)
        waiting = asyncio.create_task(budget.take(3))
        await asyncio.sleep(0)
        if served:
            budget.give(4)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        if not served:
            budget.give(4)
        await asyncio.wait_for(budget.take(4), 5)

    asyncio.run(run())


def test_a_certificate_follows_its_files(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    certificate = Certificate(str(pair.certificate), str(pair.key))
    first = certificate.expires
    assert not certificate.follow()
    authority.issue("server", lasts=timedelta(days=7))
    assert certificate.follow()
    assert certificate.expires < first
    assert certificate.usable(NOW) is None
    assert certificate.usable(NOW + timedelta(days=8)) is not None


def test_a_half_written_pair_leaves_the_last_good_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    certificate = Certificate(str(pair.certificate), str(pair.key))
    other = authority.issue("other")
    os.replace(other.certificate, pair.certificate)
    assert not certificate.follow()
    assert certificate.trouble is not None
    os.replace(other.key, pair.key)
    assert certificate.follow()
    assert certificate.trouble is None
    pair.key.unlink()
    assert not certificate.follow()


@pytest.mark.parametrize("spoilt", ["cert", "key", "client_ca"])
def test_what_is_no_certificate_is_bad_input(tmp_path: Path, spoilt: str) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    given = {"cert": str(pair.certificate), "key": str(pair.key), "client_ca": str(authority.ca)}
    bad = tmp_path / "bad.pem"
    bad.write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    with pytest.raises(InputError, match="--tls-"):
        Certificate(**(given | {spoilt: str(bad)}))
