"""What is shown has a tag; an edit names the one it changes, and of two editors with the same one wins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.bodies import payout, rules, set_up
from tests.web.client import ApiClient

VERSIONS = "/v1/contracts/acme/versions"
RULES = f"{VERSIONS}/1/rule-versions"


def code_of(response: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status_code, response.get_json()["code"]


@pytest.fixture
def world(client: ApiClient) -> ApiClient:
    """A contract in force with a draft behind it, a list, and a drafted rule version."""
    set_up(client)
    author = client.as_("ops", "dana")
    author.post(VERSIONS, {"effective_from": "1998-01-01", "rules": rules("7"), "backdated": "restate"})
    author.post(RULES, {"kind": "payout", "effective_from": "1997-03-01", "body": payout("9"), "backdated": "restate"})
    author.post("/v1/lists", {"id": "vip", "type": "text", "members": ["GOLD"]})
    return client


PATHS = [
    "/v1/partners/acme",
    "/v1/programs/cdnow",
    "/v1/contracts/acme",
    f"{VERSIONS}/2",
    f"{RULES}/payout/2",
    "/v1/lists/vip",
    "/v1/lists/vip/versions/1",
]


@pytest.mark.parametrize("path", PATHS)
def test_it_is_not_sent_again_to_who_has_it(world: ApiClient, path: str) -> None:
    shown = world.get(path)
    tag = shown.headers["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = world.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert world.get(path, headers={"If-None-Match": '"other"'}).data == shown.data
    assert world.get(path).headers["ETag"] == tag


def test_the_tag_changes_with_what_is_shown_and_only_then(world: ApiClient) -> None:
    before = {path: world.get(path).headers["ETag"] for path in PATHS}
    world.as_("ops", "dana").post(f"{VERSIONS}/2/submit")
    after = {path: world.get(path).headers["ETag"] for path in PATHS}
    assert [path for path in PATHS if after[path] != before[path]] == [f"{VERSIONS}/2"]
    assert len(set(after.values())) == len(PATHS) - 1  # the newest version of the list is its first


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/partners", {"id": "bolt"}),
        (VERSIONS, {"effective_from": "1999-01-01", "rules": rules("8")}),
        (RULES, {"kind": "payout", "effective_from": "1997-04-01", "body": payout("9")}),
        ("/v1/lists/vip/versions", {"members": ["A", "B"]}),
        ("/v1/programs", {"id": "other", "currency": "EUR", "timezone": "Europe/Rome"}),
    ],
)
def test_what_was_made_has_the_tag_that_reading_it_has(world: ApiClient, path: str, body: dict[str, Any]) -> None:
    made = world.post(path, body)
    assert made.status_code == 201
    assert world.get(made.headers["Location"]).headers["ETag"] == made.headers["ETag"]


def test_an_action_has_the_tag_of_what_it_left(world: ApiClient) -> None:
    submitted = world.as_("ops", "dana").post(f"{VERSIONS}/2/submit")
    assert world.get(f"{VERSIONS}/2").headers["ETag"] == submitted.headers["ETag"]


@pytest.mark.parametrize("path", [f"{VERSIONS}/2", f"{RULES}/payout/2"])
def test_an_action_on_a_revision_is_done_to_that_one_only(world: ApiClient, path: str) -> None:
    author, approver = world.as_("ops", "dana"), world.as_("approver", "sam")
    drafted = world.get(path).headers["ETag"]
    assert code_of(author.post(f"{path}/submit", headers={"If-Match": '"other"'})) == (412, "revision_mismatch")
    submitted = author.post(f"{path}/submit", headers={"If-Match": f'"other" , {drafted}'})
    assert submitted.status_code == 200
    assert code_of(approver.post(f"{path}/approve", headers={"If-Match": drafted})) == (412, "revision_mismatch")
    tag = submitted.headers["ETag"]
    assert code_of(approver.post(f"{path}/approve", headers={"If-Match": f"W/{tag}"})) == (412, "revision_mismatch")
    assert approver.post(f"{path}/approve", headers={"If-Match": tag}).status_code == 200


def test_facts_are_added_to_the_program_that_was_read(world: ApiClient) -> None:
    tag = world.get("/v1/programs/cdnow").headers["ETag"]
    facts = {"facts": {"loyalty": {"type": "text", "meaning": "the tier"}}}
    path = "/v1/programs/cdnow/facts"
    assert world.post(path, facts, headers={"If-Match": tag}).status_code == 200
    more = {"facts": {"shop": {"type": "text", "meaning": "the shop"}}}
    assert code_of(world.post(path, more, headers={"If-Match": tag})) == (412, "revision_mismatch")
    assert "shop" not in world.get("/v1/programs/cdnow").get_json()["facts"]
    assert world.post(path, more).status_code == 200


def said(start: str) -> dict[str, Any]:
    """What a draft says: terms from a day on."""
    return {"effective_from": start, "rules": rules("7"), "backdated": "restate"}


def test_an_edit_says_what_it_changes(world: ApiClient) -> None:
    path, editor = f"{VERSIONS}/2", world.as_("ops", "eve")
    assert code_of(editor.put(path, said("1998-02-01"))) == (428, "precondition_required")
    tag = editor.get(path).headers["ETag"]
    edited = editor.put(path, said("1998-02-01"), headers={"If-Match": tag})
    assert (edited.status_code, edited.get_json()["effective_from"]) == (200, "1998-02-01T05:00:00Z")
    assert code_of(editor.put(path, said("1998-03-01"), headers={"If-Match": tag})) == (412, "revision_mismatch")
    assert editor.get(path).get_json()["effective_from"] == "1998-02-01T05:00:00Z"
    later = editor.put(path, said("1998-03-01"), headers={"If-Match": edited.headers["ETag"]})
    assert (later.status_code, later.get_json()["editors"]) == (200, ["dana", "eve"])
    assert editor.put(path, said("1998-04-01"), headers={"If-Match": "*"}).status_code == 200
    assert editor.put(f"{VERSIONS}/99", said("1998-04-01"), headers={"If-Match": "*"}).status_code == 404


def test_a_drafted_rule_version_is_edited_too(world: ApiClient) -> None:
    path, editor = f"{RULES}/payout/2", world.as_("ops", "eve")
    body = {"effective_from": "1997-04-01", "body": payout("9"), "backdated": "restate"}
    tag = editor.get(path).headers["ETag"]
    assert editor.put(path, body, headers={"If-Match": tag}).get_json()["effective_from"] == "1997-04-01T05:00:00Z"
    assert code_of(editor.put(path, body, headers={"If-Match": tag})) == (412, "revision_mismatch")


@pytest.mark.parametrize("text", ["", "acme", '"open', '"a" "b"', '"a",', ',"a"', 'w/"a"', '*, "a"', '"a"b', '""",'])
def test_what_is_no_tag_is_refused(world: ApiClient, text: str) -> None:
    refused = world.put(f"{VERSIONS}/2", said("1998-02-01"), headers={"If-Match": text})
    assert code_of(refused) == (400, "if_match_malformed")


def test_the_document_says_that_an_edit_needs_it(client: ApiClient) -> None:
    edit = client.document["paths"]["/v1/contracts/{contract}/versions/{number}"]["put"]
    needed = [parameter["name"] for parameter in edit["parameters"] if parameter.get("required")]
    assert needed == ["If-Match"]
    assert {"400", "412", "428"} <= set(edit["responses"])
    assert "ETag" in edit["responses"]["200"]["headers"]


def test_an_edit_sent_again_with_its_key_is_answered_though_its_tag_is_old(world: ApiClient) -> None:
    path, body = f"{VERSIONS}/2", said("1998-02-01")
    sent = {"headers": {"If-Match": world.get(path).headers["ETag"], "Idempotency-Key": "k1"}}
    first, again = world.put(path, body, **sent), world.put(path, body, **sent)
    assert (first.status_code, again.status_code, again.data) == (200, 200, first.data)
    assert again.headers["ETag"] == first.headers["ETag"] == world.get(path).headers["ETag"]
