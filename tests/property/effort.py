"""How many examples a test draws: a share of the profile's, so that the folder takes a minute."""

from hypothesis import settings


def examples(share: float) -> settings:
    """The running profile with that share of its examples."""
    return settings(max_examples=max(1, round(settings().max_examples * share)))
