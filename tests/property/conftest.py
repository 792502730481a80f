"""Profiles of hypothesis: ``ci`` for the test run, ``soak`` for `tests.property.soak`."""

import os

from hypothesis import settings

# Answers of the twin take milliseconds to a second: a deadline would measure the machine.
settings.register_profile("ci", deadline=None, max_examples=50)
settings.register_profile("nightly", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
