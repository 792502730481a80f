"""What the fake answers, completed to what GitHub describes.

The fake says what the gate looks at. GitHub's description wants some hundred fields more of a pull
request: those that are required and left out are filled in, as plainly as their schema allows. What
the fake does say is left as it is, for Prism to judge, and must be a field that GitHub has.
"""

import re
from typing import Any

from tests.github.fake import FakeGitHub
from tests.github.fake.server import Reply
from tests.prism.description import Json, whole

FAKE_ONLY = frozenset({"sha", "writes"})
"""What the fake keeps for itself: a status's commit, the number of a check run's writes."""
_BY_FORMAT = {"uri": "https://github.com/", "date-time": "2026-01-01T00:00:00Z"}
_BY_TYPE: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": []}


class Completing(FakeGitHub):
    """A server whose answers are those of ``behind`` (which need not be started), completed."""

    def __init__(self, document: Json) -> None:
        super().__init__()
        self.document = document
        self.behind = FakeGitHub()
        self.unknown: set[str] = set()

    def fresh(self) -> FakeGitHub:
        """Answer for a new fake from now on."""
        self.behind, self.unknown = FakeGitHub(), set()
        return self.behind

    def answer(self, verb: str, target: str, token: str, body: Any) -> Reply | None:
        """The answer of the one behind, with every field that GitHub says it has."""
        reply = self.behind.answer(verb, target, token, body)
        if reply is None or reply.data is None:
            return reply
        schema = answer_schema(self.document, verb, target.partition("?")[0], reply.status)
        if schema is not None:
            where = f"{verb} {reply.status}"
            reply.data = self._complete(reply.data, resolved(schema), where)
        return reply

    def _complete(self, value: Any, schema: Json, where: str) -> Any:
        if isinstance(value, list) and "items" in schema:
            items = resolved(schema["items"])
            return [self._complete(each, items, f"{where}[]") for each in value]
        if not isinstance(value, dict) or "properties" not in schema:
            return value
        properties = schema["properties"]
        known = value.keys() & properties.keys()
        self.unknown |= {f"{where}.{name}" for name in value.keys() - known - FAKE_ONLY}
        said = {
            name: self._complete(value[name], resolved(properties[name]), f"{where}.{name}")
            for name in known
        }
        return {**plainest(schema), **said}


def resolved(schema: Json) -> Json:
    """A schema without references and alternatives: the parts of ``allOf`` together, the first
    object of others."""
    while "$ref" in schema:
        _, _, kind, name = schema["$ref"].split("/", 3)
        schema = whole()["components"][kind][name]
    parts = [resolved(part) for part in schema.get("allOf", ())]
    choices = [resolved(part) for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))]
    parts += sorted(choices, key=lambda choice: "properties" not in choice)[:1]
    made = dict(schema)
    for part in parts:
        for name, value in part.items():
            both = name in made and isinstance(value, dict | list)
            if name == "required" and both:
                made[name] = [*made[name], *value]
            elif name == "properties" and both:
                made[name] = {**made[name], **value}
            else:
                made.setdefault(name, value)
    return made


def plainest(schema: Json) -> Any:
    """The plainest value that a schema allows, with required members only."""
    schema = resolved(schema)
    if schema.get("nullable"):
        return None if "properties" not in schema else _members(schema)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object" or "properties" in schema:
        return _members(schema)
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    if schema.get("minLength") or schema.get("pattern"):
        return schema["example"]
    return schema.get("minimum", _BY_TYPE[schema.get("type", "string")])


def _members(schema: Json) -> Json:
    properties = schema.get("properties", {})
    return {name: plainest(properties.get(name, {})) for name in schema.get("required", ())}


def answer_schema(document: Json, verb: str, path: str, status: int) -> Json | None:
    """The schema of what GitHub answers, None where it describes none."""
    for template, operations in document["paths"].items():
        if not re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            continue
        answer = operations.get(verb.lower(), {"responses": {}})["responses"].get(str(status), {})
        if "$ref" in answer:
            answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        found: Json | None = answer.get("content", {}).get("application/json", {}).get("schema")
        return found
    return None
