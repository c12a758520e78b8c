"""Addresses of the conversions room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from app.conversions import errors
from app.conversions.describe import (
    conversion_data,
    corrected_data,
    correction_data,
    receipt_data,
    receipt_line,
    reversal_data,
    reversed_data,
)
from app.conversions.mapping import decision_data
from app.conversions.operations.correct_conversion import correct_conversion
from app.conversions.operations.explain_decision import explain_decision, explain_preview
from app.conversions.operations.get_conversion import get_conversion, get_corrections, get_decisions
from app.conversions.operations.preview_decision import preview_decision
from app.conversions.operations.receive_conversions import receive_conversion, receive_conversions
from app.conversions.operations.reverse_conversion import get_reversals, reverse_conversion
from app.conversions.repository import current_decisions
from app.conversions.schemas import (
    ConversionCorrected,
    ConversionReceived,
    ConversionShown,
    CorrectionShown,
    DecisionExplained,
    DecisionPreviewed,
    DecisionShown,
    DecisionsQuery,
    NewConversion,
    NewCorrection,
    NewReversal,
    ReversalReceived,
    ReversalShown,
)
from app.engine.matcher import EngineFault
from app.partners.errors import ProgramNotFound
from app.runtime import Context
from app.web.as_of import LocalAsOf, LocalPageAsOf
from app.web.blueprint import Answer, Room
from app.web.lines import Line, problems_of_lines
from app.web.operation_doc import Leads
from app.web.pagination import Page

routes = Room("conversions", __name__, "Conversions as they come in, and the decisions on them.")

CONVERSION = "/conversions/<identifier:program>/<name:conversion>"
EXAMPLE = {
    "id": "order-1001",
    "program": "cdnow",
    "event_at": "1997-07-02T10:00:00-04:00",
    "partner": "acme",
    "facts": {"order_id": "o1", "order_value": "100.00", "customer_id": "u1"},
}
REFUSALS = (errors.ConversionRefused, errors.ProgramWithoutContract, ProgramNotFound, EngineFault)


def add_conversions(ctx: Context, lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """Take many conversions in: each line is accepted, known already, or refused by itself."""
    receipts = receive_conversions(ctx, [line.data for line in lines])
    problems = problems_of_lines(receipt.problem for receipt in receipts)
    for line, receipt, problem in zip(lines, receipts, problems, strict=True):
        yield receipt_line(line.number, receipt, problem)


@routes.writes(
    "/conversions",
    needs="convert",
    takes=NewConversion,
    whole="body",
    shows=ConversionReceived,
    status=201,
    answers={200: ConversionReceived},
    refuses=(*REFUSALS, errors.ConversionDiffers),
    location="/v1/conversions/{program}/{id}",
    or_lines=add_conversions,
    example=EXAMPLE,
    leads_to=Leads("show_conversion", program="/program", conversion="/id"),
)
def add_conversion(ctx: Context, body: Any) -> Answer:
    """Send a conversion, or many as NDJSON, and get the decision.

    One conversion as `application/json`: 201 with its decision; 200 when it was there already with the same content;
    409 when it was there with other content, which changes nothing.

    Many as `application/x-ndjson`, one a line: the answer has one line for each,
    `{"line", "status": "accepted" | "duplicate" | "refused", "id", "decision"?, "problem"?}`, and a bad line does not
    lose the others. Sending a file again is harmless.
    """
    receipt = receive_conversion(ctx, body)
    decisions = current_decisions(ctx.session, str(receipt.program), str(receipt.id))
    return Answer(receipt_data(receipt, decisions, ctx.now()), status=201 if receipt.status == "accepted" else 200)


@routes.reads(
    CONVERSION,
    needs="read_own",
    query=LocalAsOf,
    shows=ConversionShown,
    refuses=(errors.ConversionNotFound, ProgramNotFound),
)
def show_conversion(ctx: Context, **asked: Any) -> dict[str, Any]:
    """Show a conversion with the decisions as they stand: one for each partner that it concerns.

    `state` and `life` say where it is: received, held, ineligible, rated, locked or posted, and on which dates it goes
    on, as its contract agrees them. With `as_of`, all of this is as it was known then; before the first decision there
    are none, with a reason. `facts` are those of the last correction.
    """
    found = get_conversion(ctx, **asked)
    return conversion_data(found)


@routes.writes(
    f"{CONVERSION}/corrections",
    needs="convert",
    takes=NewCorrection,
    whole="body",
    shows=ConversionCorrected,
    status=201,
    answers={200: ConversionCorrected},
    refuses=(
        errors.CorrectionRefused,
        errors.ConversionNotFound,
        ProgramNotFound,
        errors.ConversionLocked,
        errors.ReversalExceeds,
        errors.ReversalCurrencyDiffers,
        EngineFault,
    ),
    location="/v1/conversions/{program}/{id}",
    leads_to=Leads("show_conversion", program="/program", conversion="/id"),
    example={"facts": {"order_id": "o1", "order_value": "80.00", "customer_id": "u1"}, "reason": "Net of a voucher"},
)
def add_correction(ctx: Context, body: Any, program: str, conversion: str) -> Answer:
    """Correct the facts of a conversion, and get the decisions after it.

    `facts` are all of them, as they are from now on. What was sent before stays readable with `as_of`, and every
    decision says which facts it was made of. What is posted already is corrected by the difference, in the next run.
    Once a contract has locked the conversion, what it pays is final: 409.

    201 when it is corrected; 200 when these are its facts already, which changes nothing.
    """
    found = correct_conversion(ctx, body, program=program, conversion=conversion)
    shown = corrected_data(found, program, conversion, ctx.now())
    return Answer(shown, status=200 if found.is_repeated else 201)


@routes.lists(
    f"{CONVERSION}/corrections",
    needs="read_own",
    query=LocalPageAsOf,
    shows=CorrectionShown,
    cursor=lambda row: (str(row["number"]),),
    refuses=(errors.ConversionNotFound, ProgramNotFound),
)
def list_corrections(ctx: Context, page: Page, **asked: Any) -> Sequence[dict[str, Any]]:
    """List the corrections of a conversion's facts in their order: who made each and why, and what it changed."""
    found = get_corrections(ctx, **asked)
    return [correction_data(each, found) for each in page.rest_of(found.corrections, lambda row: str(row.number))]


@routes.writes(
    f"{CONVERSION}/reversals",
    needs="convert",
    takes=NewReversal,
    whole="body",
    shows=ReversalReceived,
    status=201,
    answers={200: ReversalReceived},
    refuses=(
        errors.ReversalRefused,
        errors.ConversionNotFound,
        ProgramNotFound,
        errors.ReversalDiffers,
        errors.ReversalExceeds,
        errors.ReversalCurrencyDiffers,
        errors.ReversalNeedsAmount,
        EngineFault,
    ),
    location="/v1/conversions/{program}/{conversion}/reversals",
    leads_to=Leads("list_reversals", program="/program", conversion="/conversion"),
    example={"id": "return-17", "reason": "RETURN", "amount": "40.00"},
)
def add_reversal(ctx: Context, body: Any, program: str, conversion: str) -> Answer:
    """Send what came back of a conversion, all or a part, and get the decisions after it.

    Before the conversion is locked (or posted, where its contracts agree no lock) it is decided again with what is left
    of its facts, and room in tiers and limits is free again. After that, its lines stay and get negative lines, at the
    rates they were paid at. Parts never add up to more than the order; the last one takes the residue.

    201 when it is recorded; 200 when it was recorded already with the same content; 409 when it was with other content,
    or when more would come back than is left.
    """
    found = reverse_conversion(ctx, body, program=program, conversion=conversion)
    return Answer(reversed_data(found, ctx.now()), status=200 if found.is_repeated else 201)


@routes.lists(
    f"{CONVERSION}/reversals",
    needs="read_own",
    query=LocalPageAsOf,
    shows=ReversalShown,
    cursor=lambda row: (str(row["number"]),),
    refuses=(errors.ConversionNotFound, ProgramNotFound),
)
def list_reversals(ctx: Context, page: Page, **asked: Any) -> Sequence[dict[str, Any]]:
    """List what came back of a conversion, in the order it was recorded."""
    rows = get_reversals(ctx, **asked)
    return [reversal_data(row) for row in page.rest_of(rows, lambda row: str(row.number))]


@routes.writes(
    "/decisions/preview",
    needs="preview",
    takes=NewConversion,
    whole="body",
    shows=DecisionPreviewed,
    refuses=REFUSALS,
    example=EXAMPLE,
    once="needless",
)
def preview(ctx: Context, body: Any) -> dict[str, Any]:
    """Decide a conversion without keeping it.

    The answer is what the conversion would get if it arrived now, with its trace; `decisions` has the same for every
    partner that it concerns.
    """
    preview = preview_decision(ctx, body)
    decisions = [explain_preview(preview, partner).as_dict() for partner in preview.leading]
    return {**decisions[0], "decisions": decisions}


@routes.reads(
    "/decisions/<decision:decision>",
    needs="read_own",
    query=LocalAsOf,
    shows=DecisionExplained,
    refuses=(errors.DecisionNotFound, errors.DecisionNotReproduced),
)
def show_decision(ctx: Context, decision: str, as_of: str | None = None) -> dict[str, Any]:
    """Explain a decision: every comparison, every calculation, and both in words.

    It is decided again from what it was made of. If that gave another digest, this answers 500 rather than explain
    something that was not decided.
    """
    return explain_decision(ctx, decision, as_of).as_kept()


@routes.lists(
    "/decisions",
    needs="read_own",
    query=DecisionsQuery,
    shows=DecisionShown,
    cursor=lambda row: (row["id"],),
    refuses=(errors.ConversionNotFound, ProgramNotFound),
)
def list_decisions(ctx: Context, page: Page, **asked: Any) -> Sequence[dict[str, Any]]:
    """List all decisions on a conversion, the newest first; only that one is not retired."""
    rows, known_at = get_decisions(ctx, **asked)
    return [decision_data(row, known_at) for row in page.rest_of(rows, lambda row: row.id)]
