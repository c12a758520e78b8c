"""`termline bill`"""

from __future__ import annotations

import click

from app.billing.describe import billed_data, is_below_zero
from app.billing.operations.bill_contract import bill_contract
from app.cli.terminal import actor, as_json, counted, print_json, progress, refusals_shown, runtime


@click.command()
@click.option("--contract", required=True, help="The contract to bill.")
@click.option("--period", required=True, help="The month to bill, YYYY-MM, in the contract's time zone.")
@as_json
@refusals_shown
def bill(contract: str, period: str, is_json: bool) -> None:
    """Post what is missing from a contract's statement for a month. Running it again posts nothing."""
    with runtime() as opened, progress("deciding") as advance, opened.work(actor()) as ctx:
        billed = billed_data(bill_contract(ctx, contract=contract, period=period, progress=advance))
    if is_json:
        print_json(billed)
    elif billed["run"] is None:
        is_complete = not billed["waiting"]["conversions"]
        click.echo(f"{billed['statement']}: nothing to post{', the statement is complete' if is_complete else ''}.")
    else:
        click.echo(
            f"{billed['statement']}: {counted(billed['lines'], 'line')} posted "
            f"({counted(billed['corrections'], 'correction')}), "
            f"{billed['amount']} {billed['currency']}."
        )
        if is_below_zero(billed):
            click.echo(
                f"{billed['brought_forward']} brought forward, {billed['to_pay']} to pay, "
                f"{billed['carried_forward']} carried forward."
            )
    left = billed["waiting"]
    if left["conversions"] and not is_json:
        click.echo(
            f"{counted(left['conversions'], 'conversion')} of {left['amount']} {billed['currency']} cannot be posted yet; "
            f"the first can from {left['until']} on."
        )
