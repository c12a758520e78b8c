"""Draws large worlds for the bulk pipeline: contracts most of whose conversions are paid, by random bodies, by tiers and
under limits, and conversions with few facts, made quickly. Small worlds over everything are `bulk_worlds.py`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from app.adapters.fact_files import shipped_catalogue
from app.bulk.pipeline.extent import Extent
from app.bulk.pipeline.plan import Plan, fact_table
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.world import World
from app.core.instants import micros
from app.engine.attribution.program_model import read_model
from app.engine.factsheet import Conversion, Touch, typed_facts
from app.engine.terms import TermsHistory
from app.rulelang.facts import Catalogue
from tests.builders.bulk_worlds import FIRST, LAST, ZONES, _body, _history, _renumbered
from tests.builders.random_bodies import Bodies, Size

CURRENCIES = ("USD", "KWD", "JPY", "EUR")
MODELS = (
    {"model": "last_touch", "prefer": ["click", "view"], "not_eligible": "reassign"},
    {"model": "position_based", "first": "40", "middle": "20", "last": "40"},
    {"model": "linear", "not_eligible": "reassign"},
    {"model": "first_touch"},
)
COUNTS, SUMS = (60, 200), (3_000, Decimal("12000.5"))
"""Where the steps of tiers by count and by money end."""
SENT = ("order_value", "quantity", "country", "discount", "is_new_customer", "device_type")
# Of these no sum is made: how large they may become is not known beforehand.
KNOWN = (*SENT, "weekday", "hour", "month", "customer_order_number")
SIZE = Size(rules=2, depth=1, members=2, values=4, formulas=1)
STARTS = ("1997-01-01", "1997-02-03", "1997-02-20", "1997-03-10", "1997-04-07")
DAYS = (LAST - FIRST).days
# Numbers are this large at most, in the units they are held in: 250.00 in millionths.
MOST = 250 * 10**6


def large_world(random: Random, contracts: int, number: int, conversions: int) -> World:
    """Return a world of so many contracts. Its currency and its model follow from its number, so that a few worlds have
    them all."""
    model, wrong = read_model(MODELS[(number + number // len(MODELS)) % len(MODELS)])
    assert model is not None, wrong
    currency = CURRENCIES[number % len(CURRENCIES)]
    kinds = (_of_any_rules, _of_tiers, _under_limits, _under_limits_at_once)
    histories: dict[str, TermsHistory] = {}
    while len(histories) < contracts:
        name = f"p{len(histories):02}"
        drawn = kinds[len(histories) % len(kinds)](random)
        history = _history(drawn, name, random.choice(ZONES), currency, random.choice(("half_away", "half_even")))
        # All of a world is held against limits once one contract has any.
        beside = _history(_CAPPED, "capped", "America/New_York", currency, "half_away")
        one = World("shop", currency, shipped_catalogue(), {name: history, "capped": beside}, models=[(FIRST, model)])
        if _is_held(one, conversions):
            histories[name] = history
    return World("shop", currency, shipped_catalogue(), histories, models=[(FIRST - timedelta(days=99), model)])


_CAPPED = [
    {
        "effective_from": STARTS[0],
        "rules": {
            "payout": {
                "otherwise": {"flat": "1"},
                "limits": [
                    {"id": "l", "measure": "amount", "per": "contract", "window": "day", "max": "1", "over": "zero"}
                ],
            }
        },
    }
]


def _is_held(one: World, conversions: int) -> bool:
    """Tell whether bulk runs a contract whose conversions are paid as here."""
    sizes = {each.name: MOST for each in fact_table(one).columns.values()}
    plan = Plan(one, Extent(conversions, micros(FIRST), micros(LAST), sizes, touches=4, claims=1))
    try:
        if plan.splits and any(group.counting.tables for group in plan.groups):
            return False
        plan.judged()
        plan.priced()
        plan.tallied()
        if plan.kinds:
            _ = plan.limits
            # Fallbacks are not held beside volume tables, which only worlds have that do not share.
            return plan.splits or not plan.falling
    except NotInBulk:
        return False
    return True


# ------------------------------------------------------------ terms


def _versions(random: Random, rules: list[dict[str, Any]]) -> list[Any]:
    """Return versions of a contract with these rules one after the other; one contract in twelve is terminated."""
    later = sorted(random.sample(STARTS[1:], len(rules) - 1))
    found: list[Any] = [
        {"effective_from": start, "rules": each} for start, each in zip((STARTS[0], *later), rules, strict=True)
    ]
    if random.random() < 0.08:
        found.append({"effective_from": "1997-04-20", "termination": True})
    return found


def _of_any_rules(random: Random) -> list[Any]:
    eligibility = Bodies(random, SIZE, _catalogue(KNOWN)).eligibility()
    payout = _payable(random, Bodies(random, SIZE, _catalogue((*SENT, "weekday"))))
    eligibility = {**eligibility, "rules": [*eligibility["rules"], _USUAL], "otherwise": "accept"}
    first = {"eligibility": eligibility, "attribution": _attribution(random), "payout": payout}
    return _versions(random, [first, *(_renumbered(random, first) for _ in range(random.randint(0, 2)))])


_USUAL = {"id": "usual", "when": {"fact": "order_value", "op": "gte", "value": "0"}, "then": "accept"}


def _payable(random: Random, bodies: Bodies) -> dict[str, Any]:
    """Return a payout that pays for most orders, besides what its rules say."""
    body = {name: value for name, value in _body(bodies.payout).items() if name != "limits"}
    return body | {"otherwise": {"percent": random.choice(("2.5", "8")), "of": "order_value"}}


def _of_tiers(random: Random) -> list[Any]:
    """Return tiers over windows, some of them cut by a limit."""
    by: dict[str, Any] = random.choice(({"count": True}, {"sum": "order_value"}))
    ends = (*map(str, COUNTS if "count" in by else SUMS), None)
    tiers = {
        "mode": random.choice(("graduated", "volume")),
        "by": by,
        "window": random.choice(("day", "month", "quarter", "contract_year")),
        "rate": "per_unit" if "count" in by else "percent",
    }
    rules = []
    for _ in range(random.randint(1, 3)):
        steps = [{"up_to": end, "unit": _unit(random), **_flat(random)} for end in ends]
        limits = [{**_limit(random, 0, "contract"), "over": random.choice(("partial", "zero")), "measure": "amount"}]
        payout = {"rules": [], "otherwise": {"tiers": {**tiers, "steps": steps}}}
        payout |= {"limits": limits} if random.random() < 0.4 else {}
        rules.append({"eligibility": _eligibility(random), "attribution": _attribution(random), "payout": payout})
    return _versions(random, rules)


def _under_limits(random: Random) -> list[Any]:
    """Return one limit, of which versions change the maximum."""
    one = {**_limit(random, 0, random.choice(("contract", "partner", "customer"))), "over": "partial"}
    one = {**one, "measure": "amount", "window": random.choice(("day", "month", "quarter", "contract"))}
    return _versions(
        random, [_limited(random, [{**one, "max": _most(random, one)}]) for _ in range(random.randint(1, 3))]
    )


def _under_limits_at_once(random: Random) -> list[Any]:
    """Return up to three limits of any kind, in short windows: they are gone through one by one."""
    per = random.choice(("contract", "contract", "customer"))
    return _versions(
        random,
        [
            _limited(random, [_limit(random, at, per) for at in range(random.randint(1, 3))])
            for _ in range(random.randint(1, 2))
        ],
    )


def _limited(random: Random, limits: list[dict[str, Any]]) -> dict[str, Any]:
    bonus = {"id": "new", "when": {"fact": "is_new_customer", "op": "eq", "value": True}, "then": {"flat": "1.5"}}
    payout = {"rules": [], "otherwise": {"percent": random.choice(("4", "7.5")), "of": "order_value"}}
    payout |= {"bonuses": [bonus], "limits": limits}
    return {"eligibility": _eligibility(random), "attribution": _attribution(random), "payout": payout}


def _limit(random: Random, number: int, per: str) -> dict[str, Any]:
    limit = {"id": f"l{number}", "measure": random.choice(("amount", "amount", "count")), "per": per}
    limit["window"] = random.choice(("event", "day", "day", "week"))
    overs: list[Any] = ["zero", "reject", "hold", {"fallback": {"flat": random.choice(("0.25", "1"))}}]
    overs += ["partial", "partial"] if limit["measure"] == "amount" else []
    limit |= {"over": random.choice(overs)}
    return {**limit, "max": _most(random, limit)}


def _most(random: Random, limit: dict[str, Any]) -> str:
    """Return a maximum that is reached now and then: what some share of the usual conversions of a window comes to."""
    usual = {"event": 1, "day": 6, "week": 40, "month": 150, "quarter": 450, "contract": 600}[limit["window"]]
    usual = usual if limit["per"] != "customer" else 1 + usual // 100
    share = Decimal(random.choice(("0.5", "0.8", "1.5", "3")))
    return str(max(1, int(usual * share)) if limit["measure"] == "count" else usual * share * 7 + Decimal("0.005"))


def _eligibility(random: Random) -> dict[str, Any]:
    """Return rules that refuse a few and hold a few."""
    rules: list[dict[str, Any]] = [_USUAL]
    if random.random() < 0.6:
        least = {"fact": "order_value", "op": "lt", "value": random.choice(("3", "9.99"))}
        rules.append({"id": "small", "when": least, "then": {"reject": "TOO_SMALL"}})
    if random.random() < 0.3:
        abroad = {"fact": "country", "op": "in", "value": ["DE", "FR"]}
        rules.append({"id": "abroad", "when": abroad, "then": {"hold": "ABROAD"}})
    return {"rules": rules, "otherwise": {"reject": "NOTHING"}}


def _attribution(random: Random) -> dict[str, Any]:
    days = random.choice(("P3D", "P7D", "P30D"))
    window = {"id": "window", "when": {"fact": "touch.age", "op": "lt", "value": days}}
    return {"claims": random.choice(("accept", "accept", "accept", "refuse")), "qualify": [window]}


def _unit(random: Random) -> str:
    return random.choice(("0.35", "1", "2.125", "4"))


def _flat(random: Random) -> dict[str, Any]:
    return {"flat": random.choice(("0.5", "2"))} if random.random() < 0.3 else {}


def _catalogue(names: Iterable[str]) -> Catalogue:
    return Catalogue({name: shipped_catalogue()[name] for name in names})


# ------------------------------------------------------------ conversions


def touched_orders(random: Random, world: World, count: int) -> list[Conversion]:
    """Return conversions in canonical order: claimed, touched, or both, by partners of a world and now and then by one that
    it does not know. One in forty is an order that was sent before."""
    partners = [*world.histories]
    pool, contexts = [_facts(random, world) for _ in range(2_000)], [_touch_facts(random, world) for _ in range(20)]
    found = []
    for number in range(count):
        at = FIRST + timedelta(seconds=random.randrange(DAYS * 24 * 3600))
        order = number if random.random() < 0.975 else random.randrange(count)
        facts = {**random.choice(pool), "order_id": f"o{order}"}
        if random.random() < 0.95:
            facts["customer_id"] = f"u{random.randrange(count // 8)}"
        touches = tuple(_touches(random, at, partners, contexts))
        claims = random.random() < (0.15 if touches else 0.95)
        partner = (random.choice(partners) if random.random() < 0.99 else "stranger") if claims else None
        found.append(Conversion(f"c{random.randrange(100)}-{number}", "shop", at, partner, facts, touches=touches))
    return sorted(found, key=lambda one: (one.event_at, one.id))


def _touches(random: Random, at: Any, partners: list[str], contexts: list[Any]) -> Iterator[Touch]:
    for number in range(random.choice((0, 0, 1, 1, 1, 2, 3))):
        before = timedelta(hours=random.choice((-3, 0, 1, 1, 2, 30, 71, 72, 73, 168, 500)))
        partner = random.choice(partners) if random.random() < 0.99 else "stranger"
        kind: Any = "click" if random.random() < 0.6 else "view"
        yield Touch(f"t{random.randrange(10)}-{number}", partner, kind, at - before, random.choice(contexts))


def _facts(random: Random, world: World) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "order_value": str(Decimal(random.randint(-200, 24_000)) / 100),
        "quantity": random.randint(0, 9),
        "country": random.choice(("US", "US", "US", "CA", "DE", "FR")),
        "discount": str(Decimal(random.randint(0, 900)) / 100),
        "is_new_customer": random.random() < 0.3,
        "device_type": random.choice(("ctv", "mobile", "desktop")),
    }
    kept = {name: value for name, value in drawn.items() if random.random() < (0.98 if name == "order_value" else 0.7)}
    typed, wrong = typed_facts(kept, world.catalogue, "/facts")
    assert not wrong, wrong
    return dict(typed)


def _touch_facts(random: Random, world: World) -> dict[str, Any]:
    raw = {"touch.placement": random.choice(("home", "list"))} if random.random() < 0.5 else {}
    typed, wrong = typed_facts(raw, world.catalogue, "/facts", "touch")
    assert not wrong, wrong
    return dict(typed)
