"""No answered decision is lost or doubled, whatever is killed."""

import random
from pathlib import Path

from tests.webhook.inputs import write_inputs
from tests.webhook.killing import kill_and_count

ROUNDS = 4


def test_every_answered_decision_is_in_the_ledger_once(tmp_path: Path) -> None:
    chance = random.Random()
    outcome = kill_and_count(tmp_path, write_inputs(tmp_path)("locked"), ROUNDS, chance)
    assert outcome.sound, outcome
