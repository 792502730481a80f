"""The server against its own OpenAPI document: every answer is one that the document promises."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.gate_serve import GateServe

CHECKS = (
    not_a_server_error,
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)


OPERATIONS = (("/api/v1/decisions", "POST"), ("/api/v1/decisions", "GET"),
              ("/api/v1/decisions/{id}", "GET"))  # fmt: skip


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_api_is_as_documented(server: GateServe, path: str, method: str) -> None:
    operation = schemathesis.openapi.from_url(f"{server.url}/openapi.json")[path][method]

    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    )
    @settings(
        max_examples=150,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: "schemathesis.Case[Any]") -> None:
        case.call_and_validate(base_url=server.url, checks=list(CHECKS))

    holds()


def test_the_document_names_what_there_is(server: GateServe) -> None:
    document = server.get("/openapi.json").json
    assert set(document["paths"]) == {"/api/v1/decisions", "/api/v1/decisions/{id}"}
    assert document["openapi"].startswith("3.1")
    assert {"Decision", "Line", "Page", "ProblemDocument"} <= set(document["components"]["schemas"])
