"""A statement as a page to print: HTML that needs nothing besides itself, with everything in it escaped."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from app.billing.balance import balance_words
from app.billing.document import Document, DocumentLine
from app.core.instants import zone
from app.core.money import canonical, total
from app.core.rounding import shown


def statement_page(document: Document) -> str:
    """Return a statement as a page."""

    def money(amount: Decimal) -> str:
        return shown(amount, document.currency)

    def local(instant: datetime) -> str:
        return instant.astimezone(zone(document.timezone)).strftime("%Y-%m-%d %H:%M:%S %z")

    def corrected(line: DocumentLine) -> str:
        of = document.by_id.get(line.corrects or "")
        return "" if of is None else f"corrects {of.id}: {money(of.amount)}, posted by {of.posting}"

    groups = [
        (rule, lines, total(line.amount for line in lines), total(line.amount_precise for line in lines))
        for rule, lines in document.by_rule.items()
    ]
    carried = [
        *(balance_words(each, document.currency, is_brought=True) for each in document.balance.brought),
        *(balance_words(each, document.currency, is_brought=False) for each in document.balance.carried),
    ]
    return _template().render(
        document=document,
        groups=groups,
        carried=carried,
        money=money,
        local=local,
        precise=canonical,
        corrected=corrected,
    )


@cache
def _template() -> Template:
    # What is not there is a fault, and not an empty place on a statement.
    made = Environment(
        loader=PackageLoader("app.billing", "formats"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return made.get_template("statement.html")
