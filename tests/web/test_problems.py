"""Every refusal is a problem with a code that is explained, and no fault shows what is inside."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

import app
from app.core.errors import AppError
from app.web.catalogue import FINDINGS, PROBLEMS
from app.web.faults import HTTP_CODES
from app.web.problem import STATUSES, problem_of
from tests.web.client import ApiClient


def every_refusal() -> set[type[AppError]]:
    """All subclasses of AppError in the product."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)
    found, waiting = set(), [AppError]
    while waiting:
        refusal = waiting.pop()
        waiting += refusal.__subclasses__()
        if refusal.__module__.startswith("app."):
            found.add(refusal)
    return found


def test_every_code_is_explained_and_every_explanation_is_of_a_code() -> None:
    raised = {refusal.code for refusal in every_refusal()} | {code for code, _ in HTTP_CODES.values()} | {"http_error"}
    assert sorted(raised - set(PROBLEMS)) == []
    assert sorted(set(PROBLEMS) - raised) == []


def test_no_two_refusals_share_a_code() -> None:
    codes = [refusal.code for refusal in every_refusal()]
    assert sorted(code for code in codes if codes.count(code) > 1) == []


def test_every_kind_has_a_status() -> None:
    assert {refusal.kind for refusal in every_refusal()} <= set(STATUSES)


@pytest.mark.parametrize("code", PROBLEMS)
def test_each_code_has_a_page(client: ApiClient, code: str) -> None:
    page = client.get(f"/problems/{code}")
    assert page.status_code == 200
    assert code in page.text


def test_the_index_lists_problems_and_findings(client: ApiClient) -> None:
    page = client.get("/problems").text
    assert all(code in page for code in [*PROBLEMS, *FINDINGS, "if_missing_required"])


def test_an_unknown_code_is_not_found(client: ApiClient) -> None:
    assert client.get("/problems/nonsense").status_code == 404


def test_a_business_refusal_names_its_page(client: ApiClient) -> None:
    response = client.get("/v1/partners/nobody?as_of=1997-07-01T00:00:00Z")
    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"
    assert response.get_json() == {
        "type": "/problems/partner_not_found",
        "title": "There is no such partner",
        "status": 404,
        "detail": "There is no partner 'nobody' as of 1997-07-01T00:00:00Z. Create it with POST /v1/partners.",
        "code": "partner_not_found",
    }


def test_an_address_with_nothing_is_a_problem_too(client: ApiClient) -> None:
    response = client.get("/v1/nothing")
    assert (response.status_code, response.get_json()["code"]) == (404, "no_such_address")


def test_a_wrong_method_says_which_are_allowed(client: ApiClient) -> None:
    response = client.open("delete", "/v1/partners")
    assert (response.status_code, response.get_json()["code"]) == (405, "method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_a_fault_hides_its_cause_and_is_logged_with_the_request(
    client: ApiClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("app.partners.routes.partners_after", fail)
    response = client.get("/v1/partners")
    assert (response.status_code, response.get_json()["code"]) == (500, "fault")
    assert "secret" not in response.text
    request_id = response.headers["X-Request-Id"]
    assert response.get_json()["instance"] == f"urn:termline:request:{request_id}"
    logged = capsys.readouterr().out
    assert request_id in logged
    assert "secret of the house" in logged


class _Cause(Exception):
    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("detail of the database")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (IntegrityError("", {}, _Cause("23505")), 409, "changed_meanwhile"),
        (OperationalError("", {}, _Cause("40P01")), 503, "try_again"),
        (OperationalError("", {}, _Cause("40001")), 503, "try_again"),
        (OperationalError("", {}, _Cause(None)), 503, "database_unreachable"),
        (OperationalError("", {}, _Cause("22P05")), 422, "body_refused"),
    ],
)
def test_what_the_database_refuses_is_put_in_our_words(
    client: ApiClient, error: Exception, status: int, code: str
) -> None:
    with client.app.test_request_context():
        problem = problem_of(error)
    assert (problem.status, problem.code) == (status, code)
    assert "detail of the database" not in problem.detail


def test_the_request_id_is_ours(client: ApiClient) -> None:
    response = client.get("/v1/partners", headers={"X-Request-Id": "chosen"})
    assert response.headers["X-Request-Id"] != "chosen"
