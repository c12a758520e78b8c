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
    "rules_flawed": Meaning(
        "The rules cannot be meant so",
        "A conversion exists of which these rules say two things at once, or that they can never decide. `errors` says"
        " which rules, and shows an example; GET …/versions/{number}/check shows everything that is found.",
    ),
    "rate_differs": Meaning(
        "Another rate is recorded", "A day has one rate between two currencies. To correct it, say why: `reason`."
    ),
    "rate_not_found": Meaning("No such rate", "No rate between these currencies was recorded for this day by then."),
    "rate_refused": Meaning(
        "The rate is refused",
        "It is between two ISO 4217 currencies, more than zero, and of a day that has begun. `errors` names what is not so.",
    ),
    "list_exists": Meaning("The list exists", "Add a version to it instead: POST /v1/lists/{list}/versions."),
    "list_not_found": Meaning("No such list", "No named list, or no version of it, has this name."),
    "list_refused": Meaning(
        "The list is refused", "Members are of the list's type, 1 to 10,000. `errors` names each that is not."
    ),
    "quote_refused": Meaning(
        "The quote is refused", "The formula, a fact it needs or the currency is not right. `errors` names each."
    ),
    "invoice_refused": Meaning(
        "The invoice cannot be written",
        "What it needs of its parties is missing or wrong, or nothing was posted. `errors` names each.",
    ),
    "partner_file_refused": Meaning(
        "The partner's file is refused",
        "It is CSV in UTF-8 with a header, commas between columns and points in amounts. `errors` names each row that is not.",
    ),
    "correction_refused": Meaning(
        "The correction is refused",
        "`facts` are all facts of the conversion as they are from now on, and `reason` says why. `errors` names each defect.",
    ),
    "conversion_locked": Meaning(
        "The conversion is final",
        "The date has passed from which its contract has what it pays final. Reverse what came back of it, or send what"
        " was missing as a conversion of its own.",
    ),
    "fault": Meaning(
        "A fault of ours",
        "Something went wrong on our side. Nothing was changed. Report the id in `instance`: our log has the cause.",
    ),
    "engine_fault": Meaning(
        "The rules engine cannot be trusted",
        "An engine failed, or two engines disagreed on a decision. We then decide nothing rather than something wrong."
        " Report the id in `instance`.",
    ),
    "no_room": Meaning(
        "The bulk engine has no room",
        "What is to be decided fits neither into its memory nor on the disk beside it. Give it more (TERMLINE_BULK_MEMORY,"
        " TERMLINE_BULK_SPILL); programs are settled one by one meanwhile.",
    ),
    "orders_refused": Meaning(
        "The files of orders cannot be rated",
        "The detail names file, row or line, and what was expected. Nothing was rated.",
    ),
    "impressions_refused": Meaning(
        "The impressions cannot be counted",
        "The detail names what is wrong and where: the line of a file, or contract, day and placement. Nothing was counted.",
    ),
    "not_in_bulk": Meaning(
        "Bulk does not run these terms",
        "Deciding many conversions at once knows most of what terms may say, and refuses the rest rather than paying"
        " something else. The detail says what it met and where. One by one they are decided as ever.",
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
    "idempotency_key_missing": Meaning(
        "An Idempotency-Key is needed",
        "Sent twice, this request would do something twice. Send `Idempotency-Key` with a value of your own, a UUID for"
        " instance, and the same value again when you repeat the request.",
    ),
    "idempotency_key_malformed": Meaning(
        "The Idempotency-Key cannot be used", "It has 1 to 255 visible ASCII characters, no blanks, and is sent once."
    ),
    "idempotency_in_progress": Meaning(
        "The same request is running",
        "A request with this Idempotency-Key has not come to an end yet. Send it again in a moment: it is then answered"
        " with what the first one did.",
    ),
    "idempotency_key_reused": Meaning(
        "The Idempotency-Key was used for something else",
        "Another request was done under this key within the last 30 days. Each intention has a key of its own.",
    ),
    "if_match_malformed": Meaning(
        "If-Match cannot be read", 'It is `*`, or entity tags as `ETag` shows them, quotes included: `"5f1c7c2f"`.'
    ),
    "precondition_required": Meaning(
        "If-Match is needed",
        "An edit says which revision it changes, so that nobody's work is overwritten unseen. Read the thing and send its"
        " `ETag` as `If-Match`.",
    ),
    "revision_mismatch": Meaning(
        "It was changed meanwhile",
        "What is there now is not the revision that `If-Match` names. Nothing was changed. Read it again, then decide.",
    ),
    "too_many_requests": Meaning(
        "Too many requests", "Wait for the seconds that `Retry-After` says. `RateLimit` shows what is left before."
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
        "The body is too large",
        "JSON bodies may have 128 KiB, named lists 512 KiB, NDJSON bodies 64 MiB in 100,000 lines of 128 KiB. Send less.",
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
    "key_unknown": Meaning(
        "The API key is not known",
        "Its last six characters are a checksum of the others: the detail says when a character is off. Otherwise it is"
        " no key of this installation, or was made with another TERMLINE_KEY_PEPPER.",
    ),
    "key_expired": Meaning(
        "The API key has ended",
        "It had an end, or a newer secret took its place. Use that one, or ask an admin for one.",
    ),
    "key_revoked": Meaning("The API key was revoked", "Ask whoever gave it to you for another one."),
    "key_not_found": Meaning("There is no such API key", "GET /v1/api-keys lists the keys, and `termline key list`."),
    "key_refused": Meaning(
        "The key cannot be so",
        "A partner that is missing or is none, a scope that its role has not, or a time in the past. `errors` says which.",
    ),
    "key_has_ended": Meaning("The key has ended", "A revoked or expired key gets no new secret. Create another key."),
    "two_secrets_live": Meaning(
        "The key has two live secrets", "There are never three. Revoke one, or wait until the older one ends."
    ),
    "key_name_taken": Meaning("The key's name is taken", "Each key has its own name. Choose another one."),
    "key_name_refused": Meaning(
        "The key's name cannot be used",
        "A name has 1 to 64 printable characters, no blanks around it, and is not `cli`, `cli:…` or `anonymous`: so the"
        " audit trail names who works on the command line, or without a key.",
    ),
    "unknown_role": Meaning("There is no such role", "The detail lists the roles there are."),
    "role_not_allowed": Meaning(
        "The key's role may not do this",
        "Each operation names the roles that may use it. Use a key of one of these roles.",
    ),
    "scope_not_allowed": Meaning(
        "The key is kept from this",
        "Its role may do this, but the key was narrowed to other scopes when it was created. Use another key.",
    ),
    "attribution_model_refused": Meaning(
        "The attribution model cannot be used", "`errors` lists every defect with its place and what was expected."
    ),
    "model_backdated": Meaning(
        "The start lies in the past",
        'A model that starts in the past decides conversions anew. Send it with `"backdated": "restate"`, or with a later'
        " start.",
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
    "kinds_differ": Meaning(
        "The rules are of two kinds",
        "Eligibility, attribution and payout decide different things. Compare like with like.",
    ),
    "contract_exists": Meaning(
        "The contract exists",
        "There is a contract of this id, or of this program, partner and direction. Add a version to that one.",
    ),
    "contract_not_found": Meaning("There is no such contract", "Create it with POST /v1/contracts, or correct the id."),
    "contract_refused": Meaning(
        "The contract cannot be created", "Its currency or time zone is not known. `errors` lists what was expected."
    ),
    "version_not_found": Meaning(
        "There is no such version",
        "List the versions with GET /v1/contracts/{contract}/versions, and their rule versions.",
    ),
    "version_refused": Meaning(
        "The draft has errors",
        "Its start, base or rules cannot be used, and nothing was written. `errors` lists every defect with a pointer.",
    ),
    "pack_not_found": Meaning("There is no such pack", "`termline pack list` names those there are."),
    "pack_refused": Meaning(
        "The pack cannot be used so",
        "Values are missing or wrong, or a fact or a list that its rules read is not there. Nothing was written.",
    ),
    "wrong_state": Meaning(
        "The version is in another state",
        "A draft can be submitted and a submitted version approved, each once. What is approved never changes: draft a"
        " new version instead.",
    ),
    "self_approval": Meaning(
        "Authors do not approve",
        "Whoever wrote or submitted a version cannot approve it. Ask somebody else with the approver role.",
    ),
    "backdating_undeclared": Meaning(
        "The start lies in the past",
        'Terms that start in the past change what was already decided. Draft them with `"backdated": "restate"`, or with'
        " a later start.",
    ),
    "approved_already": Meaning(
        "The same person twice is one person",
        "The version needs several approvals, and this key has given its own. Ask somebody else.",
    ),
    "reason_missing": Meaning("A reason is needed", "Send `reason`: whoever is concerned has to know why."),
    "nothing_to_renew": Meaning(
        "There is no term to renew",
        "The contract goes on without an end, was renewed already, or nothing is agreed about its next term. The detail"
        " says which; draft a version to change its terms.",
    ),
    "nothing_to_reinstate": Meaning(
        "The contract has not ended", "Only what was terminated, or whose term is over, can be reinstated."
    ),
    "retirement_refused": Meaning(
        "The version cannot be retired",
        "Without it there would be a time without rules, or what it replaced would not come back. The detail says what"
        " to draft instead.",
    ),
    "part_of_bundle": Meaning(
        "The version belongs to another one", "The end of a term is changed by editing the version whose term it is."
    ),
    "policy_refused": Meaning("The approval policy cannot be used", "`errors` lists every defect with its place."),
    "outside_contract_version": Meaning(
        "The start lies outside the contract version",
        "A rule version starts inside its contract version, before the next one starts. Choose such a start, or draft a"
        " contract version.",
    ),
    "rules_not_runnable": Meaning(
        "The engine cannot run the rules",
        "Rules are tried out on the engine before they are submitted, in a process with little memory and time. It"
        " crashed on these, did not come to an end, or gave another answer than the reference engine. Nothing was"
        " submitted. Draft a smaller or simpler rule set; report a small one.",
    ),
    "trial_not_run": Meaning(
        "The rules could not be tried out",
        "The machine is too busy to try the rules out on the engine. Nothing was submitted; send the same request again.",
    ),
    "conversion_refused": Meaning(
        "The conversion has errors",
        "A key is unknown or missing, a time has no offset, or a fact is not of its type. `errors` lists all of it.",
    ),
    "conversion_differs": Meaning(
        "Another conversion has this id",
        "A conversion keeps what it was first sent with; nothing was changed. Send the same again, or use a new id.",
    ),
    "conversion_not_found": Meaning("There is no such conversion", "Check the program and the id, letter by letter."),
    "reversal_refused": Meaning(
        "The reversal has errors",
        "It names its own id and a reason, and what came back: full, an amount or items. `errors` lists what is wrong.",
    ),
    "reversal_differs": Meaning(
        "Another reversal has this id",
        "A reversal keeps what it was first sent with; nothing was changed. Send the same again, or use a new id.",
    ),
    "reversal_exceeds": Meaning(
        "More would come back than is left",
        "All reversals of a conversion together are never more than its order. GET its reversals to see what came back.",
    ),
    "reversal_currency_differs": Meaning(
        "The order is in another currency", "What comes back is told in the currency of the order. Nothing was changed."
    ),
    "reversal_needs_amount": Meaning(
        "What came back cannot be worked out",
        "The conversion has no order value, or a discount on several pieces. Send the amount, or full.",
    ),
    "program_without_contract": Meaning(
        "The program has no contract",
        "Nothing could ever be paid for the conversion, so it is not taken in. Create a contract first, then send it again.",
    ),
    "decision_not_found": Meaning(
        "There is no such decision", "GET /v1/decisions?program=&conversion= lists the decisions on a conversion."
    ),
    "decision_not_reproduced": Meaning(
        "The decision cannot be explained",
        "Deciding again from the same inputs gave something else than what is stored. Nothing was changed. Report it.",
    ),
    "period_refused": Meaning("The period is no month", 'Write it as YYYY-MM, such as "1997-07".'),
    "statement_not_found": Meaning(
        "There is no such statement",
        "Statements come to be by billing: POST /v1/billing-runs with contract and period.",
    ),
    "billing_run_not_found": Meaning("There is no such billing run", "GET /v1/billing-runs lists them."),
    "billing_run_open_already": Meaning(
        "Another run bills some of the same", "Post or cancel the run it names, and open another then."
    ),
    "billing_run_elsewhere": Meaning(
        "The run is not where it has to be for that",
        "GET the run: `state` says where it is, and `next` what can be done.",
    ),
    "self_posting": Meaning(
        "Who opened a run cannot post it", "Have somebody else look at it and post it, with a key of their own."
    ),
    "billing_run_outdated": Meaning(
        "Its statements were posted to since it was computed",
        "Cancel the run and open another: it computes what is left.",
    ),
    "billing_run_stopped": Meaning("The run was asked to stop", "Open another when it is time."),
    "controls_differ": Meaning(
        "The control totals of a run do not tie out",
        "Nothing was posted. Its fault says which figures differ: report it, with the run's id.",
    ),
    "accounting_period_not_over": Meaning("The month is not over", "Close it when it is, in the program's time zone."),
    "accounting_period_closed_already": Meaning(
        "The books are closed for that month already",
        "GET the program's accounting periods: the first open one is there.",
    ),
    "schema_outdated": Meaning(
        "The database belongs to another release", "Run `termline migrate`, or use the release it was migrated with."
    ),
    "database_unavailable": Meaning(
        "There is no database", "The server cannot be started or reached. The detail names folder or address, and why."
    ),
    "overtaken": Meaning(
        "Somebody else was faster",
        "While this request was on its way, something else about the same contract was approved or retired. Nothing was"
        " changed. Look at it again, then send the request again.",
    ),
    "base_changed": Meaning(
        "What the draft took over has changed",
        "Rules of the version it starts from were changed after it was drafted. Draft it again, to take over what is in"
        " force now.",
    ),
    "delivery_refused": Meaning(
        "The delivery has errors",
        "`errors` lists every one with a JSON Pointer. A delivery names its contract, local day, placement, source and"
        " what was counted; facts are those of the catalogue or of the program.",
    ),
    "delivery_differs": Meaning(
        "This revision was sent before",
        "A revision keeps what it was first sent with; nothing was changed. Send a correction as the next revision.",
    ),
    "delivery_not_found": Meaning("There is no such delivery", "GET /v1/deliveries?contract= lists what was counted."),
    "adjustment_refused": Meaning(
        "The adjustment has errors",
        "`errors` lists every one. A make-good has a placement, impressions and perhaps a price; a credit has an amount.",
    ),
    "adjustment_differs": Meaning(
        "Another adjustment has this id", "Nothing was changed. Send the same again, or use a new id."
    ),
    "conversions_lost": Meaning(
        "Conversions cannot be read",
        "Conversions wait for a decision but are not found where they should be. Nothing was decided. Report the id in"
        " `instance`.",
    ),
    "database_roles_missing": Meaning(
        "The database has not the roles we work in",
        "The database user may not create them or work in them. The detail has the statement that a superuser runs.",
    ),
    "database_url_unusable": Meaning(
        "DATABASE_URL cannot be used",
        "It is no PostgreSQL address, or no server of version 15 or newer answers there. The detail says which.",
    ),
    "bad_setting": Meaning(
        "A setting is wrong", "The detail names the environment variable and the values it may have."
    ),
    "file_refused": Meaning("The file cannot be used", "The detail names the file, the line and what was expected."),
    "malformed_yaml": Meaning(
        "The file is not strict YAML", "The detail names file and line. Floats, duplicate keys and tabs are refused."
    ),
    "document_malformed": Meaning(
        "The contract's document cannot be used", "Each defect is named with file, line and key."
    ),
    "plan_changed": Meaning(
        "Something else is to be done by now", "The contract was changed after the plan was shown. Look at it again."
    ),
    "scenario_malformed": Meaning(
        "The scenario cannot be run", "The detail names file, line and key. Nothing is kept."
    ),
    "recorded_later": Meaning(
        "The version is recorded in the future", "A step of a scenario records a version after the scenario's clock."
    ),
    "instant_refused": Meaning(
        "The time is none", "Write a date, or an RFC 3339 time with an offset; `as_of` is never a time to come."
    ),
    "checkpoint_refused": Meaning(
        "The file is no checkpoint",
        "`termline audit checkpoint` writes checkpoints. Their fields and form are fixed; the detail says what differs.",
    ),
    "signing_key_refused": Meaning(
        "The key cannot be used",
        "Checkpoints are signed with an Ed25519 key, as PEM without a password. `termline audit keygen` makes one.",
    ),
    "mapping_refused": Meaning(
        "The mapping does not fit", "A column or fact it names is not in the CSV file or in the fact catalogue."
    ),
    "row_refused": Meaning(
        "The row is no conversion", "The mapping cannot turn this row of the file into a conversion."
    ),
}

# What an entry of `errors` can say besides the diagnostics of the rule language.
FINDINGS: dict[str, str] = {
    "unknown_field": "A field, or a query parameter, that this address does not know.",
    "missing_field": "A field that must be there is not.",
    "unused_param": "A parameter of a draft that none of its rules reads.",
    "more_findings": "There are more defects than are listed here; the message says how many.",
    "wrong_value": "A value that is not of the form the field has.",
}


def title_of(code: str) -> str:
    """Return the title of a problem, the same wherever it occurs."""
    meaning = PROBLEMS.get(code)
    return meaning.title if meaning else code.replace("_", " ").capitalize()
