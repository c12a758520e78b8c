"""The application does what its API document says, whatever is sent: schemathesis, with all its checks and phases."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.web.openapi import operations_of
from tests.builders.own_database import own_database
from tests.web.conformance import Outcome, run, seeded
from tests.web.served import served

EXAMPLES = 300
CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
    "object_level_authorization",
}


pytestmark = pytest.mark.timeout(2400)  # about 6 minutes, unless the machine is busy


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server writes what went wrong."""
    return tmp_path_factory.mktemp("served") / "log"


@pytest.fixture(scope="module")
def labels() -> list[str]:
    """Filled in by the run: the operations that the document has."""
    return []


@pytest.fixture(scope="module")
def outcome(server_url: str, log: Path, labels: list[str], request: pytest.FixtureRequest) -> Outcome:
    """What a run found: 300 examples for each operation, or `--runs`, from the seed that `--seed` says."""
    examples = request.config.getoption("--runs") or EXAMPLES
    with own_database(server_url) as engine:
        client = seeded(engine)
        labels += [f"{method.upper()} {path}" for path, method, _ in operations_of(client.document)]
        with served(engine, log) as address:
            return run(client, address, examples, request.config.getoption("--seed") or 1)


def test_nothing_is_found(outcome: Outcome, log: Path) -> None:
    assert outcome.errors == []
    assert log.read_text() == ""
    assert [f"{name}\n{said}" for name, said in outcome.failures.items()] == []


def test_every_check_was_made(outcome: Outcome) -> None:
    assert set(outcome.checks) == CHECKS


def test_every_operation_was_tried_as_often_as_meant(
    outcome: Outcome, labels: list[str], request: pytest.FixtureRequest
) -> None:
    examples = request.config.getoption("--runs") or EXAMPLES
    tried = {label: outcome.cases["fuzzing", label] for label in labels}
    assert {label: count for label, count in tried.items() if count < examples} == {}


def test_links_were_followed(outcome: Outcome) -> None:
    """From what was made to what can be done with it, by steps that the document names."""
    stateful = {label for phase, label in outcome.cases if phase == "stateful"}
    assert len(stateful) > 10
    assert sum(count for (phase, _), count in outcome.cases.items() if phase == "stateful") > 100


def test_most_operations_were_done_and_not_only_refused(outcome: Outcome, labels: list[str]) -> None:
    done = {label for label, status in outcome.statuses if 200 <= status < 300}
    # Some need what is rare: a contract that has ended, rules that were submitted, a run that was posted.
    assert len(done) >= len(labels) * 0.91, sorted(set(labels) - done)
