"""`termline explain`"""

from __future__ import annotations

from collections.abc import Sequence

import click

from app.cli.terminal import actor, as_json, print_json, refusals_shown, runtime
from app.conversions.operations.explain_decision import Explanation, explain_decision, find_decisions


@click.command()
@click.argument("decision")
@click.option("--program", help="The program, when a conversion id is not the only one of its name.")
@click.option("--as-of", help="As it was known at this time: a local date or an instant with an offset. Default: now.")
@as_json
@refusals_shown
def explain(decision: str, program: str | None, as_of: str | None, is_json: bool) -> None:
    """Explain DECISION: the id of a decision (dec_…), or of a conversion for the decisions on it as they stand, one for
    each partner that it concerns, or a contract and a local day for the decision on its impressions (acme/2027-03-01).

    It is decided again by the reference engine; if that does not give the stored digest, the command fails.
    """
    with runtime() as opened, opened.work(actor()) as ctx:
        found = find_decisions(ctx, decision, program, as_of)
        explanations = [explain_decision(ctx, each.id, as_of) for each in found]
    if is_json:
        data = [explanation.as_kept() for explanation in explanations]
        print_json(data[0] if len(data) == 1 else {"decisions": data})
        return
    show_explanations(explanations)


def show_explanations(explanations: Sequence[Explanation]) -> None:
    """Print explanations in words, with an empty line between two of them."""
    for number, explanation in enumerate(explanations):
        click.echo(("\n" if number else "") + "\n".join(explanation.words))
        click.echo(f"Decision {explanation.decision['id']}, digest {explanation.decision['digest']}.")
