"""What GitHub delivers to webhooks: its published examples, and one that it has published none of.

The examples are those of `@octokit/webhooks-examples`. Of `deployment_protection_rule` there is
none yet: it is made from the event's schema, with every member that it may have.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from scripts import node_tools
from tests.prism.completing import plainest, resolved
from tests.prism.description import Json, whole

_EXAMPLES = "@octokit/webhooks-examples"
# GitHub's own site, and the editions of GitHub Enterprise Server whose payloads differ.
_SOURCES = ("api.github.com", "ghes-35")
_DEEPEST = 4


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """An event's name, as in ``X-GitHub-Event``, and its body."""

    event: str
    content: Json

    @property
    def action(self) -> str | None:
        """What happened to the event's object, where there is more than one possibility."""
        action = self.content.get("action")
        return action if isinstance(action, str) else None

    @property
    def body(self) -> bytes:
        """The body as it is delivered and signed."""
        return json.dumps(self.content).encode()


def examples() -> Iterator[Payload]:
    """Every published example."""
    for source in _SOURCES:
        path = node_tools.modules() / _EXAMPLES / source / "index.json"
        for event in json.loads(path.read_bytes()):
            for content in event["examples"]:
                yield Payload(event=event["name"], content=content)


def protection_rule_requested(**said: Any) -> Payload:
    """A delivery of ``deployment_protection_rule`` by its schema; ``said`` replaces members."""
    webhook = whole()["x-webhooks"]["deployment-protection-rule-requested"]["post"]
    schema = webhook["requestBody"]["content"]["application/json"]["schema"]
    made = _written_out(schema)
    return Payload(event="deployment_protection_rule", content={**made, **said})


def _written_out(schema: Json, depth: int = 0) -> Any:
    """A value with every member of the outer objects, and the required ones further in."""
    schema = resolved(schema)
    if "properties" not in schema or depth == _DEEPEST:
        return plainest(schema)
    return {name: _written_out(part, depth + 1) for name, part in schema["properties"].items()}
