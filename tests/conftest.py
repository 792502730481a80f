"""Settings of every test: the tiers, and hypothesis' profiles.

``HYPOTHESIS_PROFILE=thorough`` looks ten times as long. Examples are random in every run and are
never repeated until they pass; a failure prints the line that reproduces it.
"""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.tiers", "tests.figures")

settings.register_profile(
    "default",
    deadline=None,
    print_blob=True,
    suppress_health_check=(HealthCheck.too_slow,),
)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
