"""Decisions as AdmissionReview responses: what the API server is told, in bytes."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from gate.cluster.changes import Why
from gate.cluster.notices import Notices
from gate.core.decision import Decision, Effect, Verdict
from gate.core.policy import Action, Policy

_NONE = "none"


class _Status(msgspec.Struct, frozen=True, kw_only=True):
    code: int
    reason: str
    message: str
    status: Literal["Failure"] = "Failure"


class _Response(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    uid: str
    allowed: bool
    status: _Status | None = None
    warnings: tuple[str, ...] = ()
    auditAnnotations: dict[str, str]  # noqa: N815  (the API's name)


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    apiVersion: Literal["admission.k8s.io/v1"] = "admission.k8s.io/v1"  # noqa: N815
    kind: Literal["AdmissionReview"] = "AdmissionReview"
    response: _Response


_encode = msgspec.json.Encoder().encode
# Both refuse the request. That the gate could not tell is not the client's doing, and the API
# server counts rejections by code.
_REFUSED = {
    Verdict.DENY: (403, "Forbidden"),
    Verdict.UNDECIDED: (503, "ServiceUnavailable"),
}


class Answers:
    """Answers under one policy; ``policy`` is None where it cannot be read."""

    def __init__(self, policy: Policy | None) -> None:
        self._notices = Notices(policy)

    def of(self, uid: str, decision: Decision, actions: Sequence[Action] = ()) -> bytes:
        """The whole AdmissionReview that answers the review ``uid`` with a decision.

        ``actions`` are all that the request does; the decision is of the strictest.
        """
        status = None
        if decision.effect is Effect.BLOCK:
            code, reason = _REFUSED[decision.verdict]
            message = self._notices.refusal(decision, actions)
            status = _Status(code=code, reason=reason, message=message)
        response = _Response(
            uid=uid,
            allowed=status is None,
            status=status,
            warnings=self._notices.warnings(decision),
            auditAnnotations={
                "decision-id": decision.id,
                "verdict": decision.verdict.value,
                "phase": _NONE if decision.phase is None else decision.phase.value,
                "policy-sha256": decision.policy.sha256 or _NONE,
            },
        )
        return _encode(_Envelope(response=response))


def passed(uid: str, why: Why, warnings: tuple[str, ...] = ()) -> bytes:
    """The whole AdmissionReview that lets the review ``uid`` pass without a decision."""
    response = _Response(
        uid=uid, allowed=True, warnings=warnings, auditAnnotations={"passed": why.value}
    )
    return _encode(_Envelope(response=response))
