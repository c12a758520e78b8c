"""Where a check of schemathesis and what the API means differ: each case by its code, as narrow as it can be said, and why.

No check is switched off, and no status as such is accepted: `body_refused` for a body that fits its schema is a failure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import (
    MissingHeaderNotRejected,
    RejectedPositiveData,
)

Problem = dict[str, Any]


@dataclass(frozen=True)
class Meant:
    """One difference: which check, which code or operations, what more has to be so, and why it is right."""

    failure: type[Exception]
    why: str
    codes: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    so: Callable[[Any, Problem], bool] = lambda case, problem: True

    def explains(self, failure: Exception, case: Any, response: Any) -> bool:
        """Tell whether this is the difference that a check found."""
        problem = response.json() if "json" in (response.headers.get("content-type") or [""])[0] else {}
        return (
            isinstance(failure, self.failure)
            and (not self.codes or problem.get("code") in self.codes)
            and (not self.operations or case.operation.label in self.operations)
            and self.so(case, problem)
        )


def _is_no_tag(case: Any, problem: Problem) -> bool:
    """The header is not what the document says: schemathesis leaves its pattern aside where it covers all headers."""
    sent = str((case.headers or {}).get("If-Match", ""))
    return not re.fullmatch(r'\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*', sent)


def _is_of_json(case: Any, problem: Problem) -> bool:
    return re.search(r"digits; numbers have at most 19|character NUL", problem["detail"]) is not None


# Defects of fields of which a schema cannot tell, each with its reason: a refusal may name several at once.
BEYOND_SCHEMAS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "A cursor is ours: whoever makes one up is refused.": lambda error: error["pointer"] == "/after",
    "To a schema 5.0 is an integer; here a number with a point is a float, and refused.": lambda error: (
        error["code"] == "float_refused" and ".0 is" in error["message"]
    ),
    "Which days and times there are is more than a pattern can say.": lambda error: (
        "expected a date YYYY-MM-DD, or an RFC 3339 time" in error["message"]
    ),
    "Which characters print is more than a pattern can say.": lambda error: "printable characters" in error["message"],
    "Years 1 and 9999 are dates, but their days have no instants in every zone.": lambda error: re.search(
        r"found '(0001|9999)-", error["message"]
    ),
}


def _are_beyond_schemas(case: Any, problem: Problem) -> bool:
    return all(any(is_one(error) for is_one in BEYOND_SCHEMAS.values()) for error in problem["errors"])


MEANT = (
    Meant(
        RejectedPositiveData,
        "A drawn tag is not that of the present revision.",
        codes=("revision_mismatch",),
        so=lambda case, problem: "If-Match" in (case.headers or {}),
    ),
    Meant(RejectedPositiveData, "What is sent is no tag.", codes=("if_match_malformed",), so=_is_no_tag),
    Meant(
        RejectedPositiveData,
        "A key that was drawn once is drawn again, with another payload.",
        codes=("idempotency_key_reused",),
        so=lambda case, problem: "Idempotency-Key" in (case.headers or {}),
    ),
    Meant(
        RejectedPositiveData,
        "Each defect is one of which a schema cannot tell.",
        codes=("body_refused", "query_refused"),
        so=_are_beyond_schemas,
    ),
    Meant(
        RejectedPositiveData,
        "Integers beyond 64 bits and the character NUL are JSON, and fit a free object, but cannot be kept.",
        codes=("malformed_json",),
        so=_is_of_json,
    ),
    Meant(
        RejectedPositiveData,
        "What rules, lists, facts and zones may say is more than a schema can: it is said in `errors`, with a pointer.",
        codes=(
            "rules_refused",
            "version_refused",
            "list_refused",
            "program_refused",
            "contract_refused",
            "conversion_refused",
            "reversal_refused",
            "correction_refused",
            "policy_refused",
            "attribution_model_refused",
            "quote_refused",
            "rate_refused",
            "key_refused",
            "key_name_refused",
            "delivery_refused",
            "adjustment_refused",
        ),
    ),
    Meant(
        RejectedPositiveData,
        "What will be known at a time to come nobody can say, and a date is no instant where no zone is known.",
        codes=("instant_refused",),
    ),
    Meant(
        RejectedPositiveData,
        "Rules start inside their contract version's span; which that is no schema knows.",
        codes=("outside_contract_version",),
    ),
    Meant(
        RejectedPositiveData,
        "A model that starts in the past has to say that it decides anew.",
        codes=("model_backdated",),
    ),
    Meant(
        MissingHeaderNotRejected,
        "RFC 6585 has a status of its own for an edit without If-Match: 428.",
        codes=("precondition_required",),
    ),
    Meant(
        AcceptedNegativeData,
        "A list with more members than there may be can be too large to be read at all.",
        codes=("body_too_large",),
    ),
    Meant(
        AcceptedNegativeData,
        "It is asked whether a body is a rule body; that it is not, is an answer.",
        operations=("POST /v1/rules/check",),
        so=lambda case, answer: answer.get("ok") is False,
    ),
)
