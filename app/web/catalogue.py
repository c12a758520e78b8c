"""What every problem code means, in words for whoever meets it. A test holds this against the code.

A code stays what it is for good: programs compare it. Titles and texts may be improved at any time.
"""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    """The title of a problem, and what one can do about it."""

    title: str
    text: str


PROBLEMS: dict[str, Meaning] = {
    "fault": Meaning(
        "A fault of ours",
        "Something went wrong on our side. Nothing was changed. Report the id in `instance`: our log has the cause.",
    ),
    "engine_fault": Meaning(
        "The rules engine cannot be trusted",
        "An engine failed, or two engines disagreed on a decision. We then decide nothing rather than something wrong."
        " Report the id in `instance`.",
    ),
    "malformed_json": Meaning(
        "The body is not JSON",
        "The body is empty, is not UTF-8 JSON, or is JSON that two readers could understand differently: a key that"
        " stands twice, NaN, half a surrogate pair. The detail names line and column.",
    ),
    "body_refused": Meaning(
        "The body has errors",
        "The JSON is well formed but not what this address takes. `errors` lists every defect with a JSON Pointer."
        " Unknown fields are refused, and money is a string.",
    ),
    "query_refused": Meaning(
        "The query parameters have errors",
        "A parameter is unknown, given twice, or not of its form. `errors` lists every one.",
    ),
    "changed_meanwhile": Meaning(
        "Somebody else was faster",
        "Another request wrote the same thing at the same moment. Read what is there now, then decide again.",
    ),
    "database_unreachable": Meaning("The database does not answer", "Try again in a moment. Nothing was changed."),
    "try_again": Meaning("Busy", "Two requests stood in each other's way. Send the same request again."),
    "bad_request": Meaning("Not an HTTP request", "The request cannot be understood as HTTP."),
    "no_such_address": Meaning("Nothing there", "No operation has this address. /docs lists what there is."),
    "method_not_allowed": Meaning("Method not allowed", "The address exists; `Allow` lists the methods it has."),
    "body_too_large": Meaning(
        "The body is too large", "JSON bodies may have 16 MB, NDJSON bodies 64 MB. Send less at once."
    ),
    "address_too_long": Meaning("The address is too long", "Shorten the query."),
    "unsupported_media_type": Meaning(
        "Another content type is expected",
        "Bodies are `application/json` in UTF-8 and not compressed; `Accept` in the response says what is read.",
    ),
    "headers_too_large": Meaning("The headers are too large", "Send fewer or shorter headers."),
    "http_error": Meaning("The request is refused", "The detail says why."),
    "key_missing": Meaning(
        "An API key is needed",
        "Send `Authorization: Bearer tl_…`. `termline key create --role ROLE --name NAME` makes a key.",
    ),
    "key_unknown": Meaning("The API key is not known", "Check the key for a missing character, or create a new one."),
    "key_name_taken": Meaning("The key's name is taken", "Each key has its own name. Choose another one."),
    "unknown_role": Meaning("There is no such role", "The detail lists the roles there are."),
    "role_not_allowed": Meaning(
        "The key's role may not do this",
        "Each operation names the roles that may use it. Use a key of one of these roles.",
    ),
    "partner_exists": Meaning("The partner exists", "There is a partner of this id. Use it, or choose another id."),
    "partner_not_found": Meaning("There is no such partner", "Create it with POST /v1/partners, or correct the id."),
    "program_exists": Meaning("The program exists", "There is a program of this id. Use it, or choose another id."),
    "program_not_found": Meaning("There is no such program", "Create it with POST /v1/programs, or correct the id."),
    "program_refused": Meaning(
        "The program cannot be created",
        "Its currency, time zone or attribution model is not known. `errors` lists what was found and expected.",
    ),
    "rules_refused": Meaning(
        "The rules have errors",
        "The rule body cannot be used. `errors` lists every defect with a JSON Pointer, a message and a hint;"
        " POST /v1/rules/check checks a body without storing anything.",
    ),
}

# What an entry of `errors` can say besides the diagnostics of the rule language.
FINDINGS: dict[str, str] = {
    "unknown_field": "A field, or a query parameter, that this address does not know.",
    "missing_field": "A field that must be there is not.",
    "wrong_value": "A value that is not of the form the field has.",
}


def title_of(code: str) -> str:
    """Return the title of a problem, the same wherever it occurs."""
    meaning = PROBLEMS.get(code)
    return meaning.title if meaning else code.replace("_", " ").capitalize()
