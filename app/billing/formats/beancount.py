"""The journal in the language of Beancount, which checks it and adds it up by itself. Pure.

An account is Beancount's root for ours, then the program and the contract: `liabilities:payable` of the contract `acme-1`
under `shop` is `Liabilities:Payable:P-shop:C-acme--1`. In a name, "-" is written twice, and any other character that is no
ASCII letter or digit as "-" and two hexadecimal digits, so that names can be read back (`account_read`).

An entry has the last day of the month it is booked in as its date: what is posted late for a month belongs to it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator

from app.billing.journal import Entry
from app.core.period import parse_month
from app.core.rounding import shown

_SPECIAL = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r"--|-([0-9A-F]{2})", re.ASCII)


def component(prefix: str, name: str) -> str:
    """Return an id as a part of an account's name.

    >>> component("C", "acme-1.b_c")
    'C-acme--1-2Eb-5Fc'
    """
    return f"{prefix}-" + "".join(_written(character) for character in name)


def component_read(part: str) -> str:
    """Return the id that a part of an account's name was made of."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else "-", part.partition("-")[2])


def account_written(account: str, entry: Entry) -> str:
    """Return Beancount's name of an account of ours for an entry's program and contract."""
    ours = ":".join(part.capitalize() for part in account.split(":"))
    return f"{ours}:{component('P', entry.program)}:{component('C', entry.contract)}"


def account_read(name: str) -> tuple[str, str, str]:
    """Return account, program and contract of Beancount's name of them."""
    *ours, program, contract = name.split(":")
    return ":".join(ours).lower(), component_read(program), component_read(contract)


def journal_beancount(program: str, entries: Iterable[Entry]) -> Iterator[str]:
    """Yield a Beancount file of a program's entries, line by line. Accounts are opened at the first month it has."""
    booked = list(entries)
    yield f'option "title" {_text(f"Termline: {program}")}'
    for currency in sorted({entry.currency for entry in booked}):
        yield f'option "operating_currency" "{currency}"'
    first = min((entry.accounting_period for entry in booked), default="")
    accounts = {(account_written(leg.account, entry), entry.currency) for entry in booked for leg in entry.legs}
    for account, currency in sorted(accounts):
        yield f"{first}-01 open {account} {currency}"
    for entry in booked:
        yield from _transaction(entry)


def _transaction(entry: Entry) -> Iterator[str]:
    yield ""
    narration = f"{entry.kind} {entry.subject}, {entry.rule}"
    yield f"{_booked_on(entry.accounting_period)} * {_text(entry.partner)} {_text(narration)}"
    metadata = [f"    {key}: {_text(value)}" for key, value in _metadata(entry)]
    for leg in entry.legs:
        yield f"  {account_written(leg.account, entry)}  {shown(leg.amount, entry.currency)} {entry.currency}"
        yield from metadata


def _metadata(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "kind", entry.kind
    yield "line", entry.line
    yield "contract", entry.contract
    if entry.contract_version is not None:
        yield "contract-version", str(entry.contract_version)
    if entry.rule_version is not None:
        yield "rule-version", entry.rule_version
    yield "rule", entry.rule
    if entry.part:
        yield "part", entry.part
    yield "subject", entry.subject
    yield "decision", entry.decision
    yield "service-period", entry.service_period
    yield "posting", entry.posting
    if entry.corrects is not None:
        yield "corrects", entry.corrects


def _booked_on(period: str) -> str:
    first = parse_month(period)
    assert first is not None, period
    return f"{period}-{monthrange(first.year, first.month)[1]}"


def _text(text: str) -> str:
    return '"' + "".join(_SPECIAL.get(character, character) for character in text) + '"'


def _written(character: str) -> str:
    if character == "-":
        return "--"
    return character if character.isascii() and character.isalnum() else f"-{ord(character):02X}"
