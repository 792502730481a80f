"""How the fallback's worker finds out, through the API server, that a webhook answers.

It tries to create a ConfigMap of this name (``dryRun``, so nothing is made); the webhook answers
every such review with this warning, which the API server hands on.
"""

PROBE_NAME = "saturday-gate-probe"
PROBE_WARNING = "saturday-gate: answering"
