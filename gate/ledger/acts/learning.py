"""Learning the cultures' factors from the samples in the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg

from gate.core.learning import Learnt, learn
from gate.core.policy import Policy
from gate.ledger.acts.entries import Act, record_act
from gate.store.cultures import (
    Profile,
    all_profiles,
    decimal_of,
    insert_profile,
    learning_samples,
    newest_profiles,
    unchanged_since,
)

LEARNT_FROM = timedelta(days=90)
"""How far back samples teach anything."""


def proposed(connection: psycopg.Connection, policy: Policy, now: datetime) -> list[Learnt]:
    """What the samples teach of a policy's cultures; nothing is written.

    Only samples count from since when the cultures are what they are: what was booked before was
    weighed by other factors. Raises psycopg's errors.
    """
    rules = policy.load.observed
    assert rules is not None
    since = unchanged_since(all_profiles(connection), policy)
    if since is None:
        return []
    samples = learning_samples(connection, max(since, now - LEARNT_FROM), now)
    return learn(samples, policy.load, rules.learned)


def keep(
    connection: psycopg.Connection, act: Act, policy: Policy, learnt: Sequence[Learnt]
) -> list[Learnt]:
    """Write those that are news, in force from the act on; the servers are told.

    Those written are given back. Raises psycopg's errors.
    """
    with connection.transaction():
        before = {each.culture: each for each in newest_profiles(connection, act.now)}
        news = [each for each in learnt if _is_news(each, before.get(each.culture))]
        for each in news:
            culture = policy.load.cultures[each.culture]
            insert_profile(
                connection,
                Profile(
                    culture=each.culture,
                    valid_from=act.now,
                    policy_sha256=policy.sha256,
                    factor=decimal_of(culture.factor),
                    guests=culture.guests,
                    days=culture.days,
                    observed_factor=float(each.factor),
                    observed_samples=each.samples,
                ),
            )
        if news:
            record_act(
                connection,
                act,
                kind="policy",
                action="learn",
                subject=policy.sha256,
                details={
                    "factors": {each.culture: f"{float(each.factor):g}" for each in news},
                    "samples": {each.culture: each.samples for each in news},
                },
            )
    return news


def _is_news(learnt: Learnt, before: Profile | None) -> bool:
    return before is None or before.observed_factor != float(learnt.factor)
