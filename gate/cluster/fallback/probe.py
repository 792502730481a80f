"""How the fallback's worker finds out, through the API server, that a webhook answers.

It tries to create a ConfigMap of this name (``dryRun``, so nothing is made); the webhook answers
every such review with this warning, which the API server hands on.
"""

from gate.cluster.review import Review

PROBE_NAME = "saturday-gate-probe"
PROBE_WARNING = "saturday-gate: answering"


def is_probe(review: Review) -> bool:
    """Whether the fallback's worker asks, through the API server, if somebody answers here."""
    return (
        bool(review.dry_run)
        and review.name == PROBE_NAME
        and review.kind.kind == "ConfigMap"
        and not review.kind.group
    )
