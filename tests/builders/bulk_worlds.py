"""Draws worlds of contracts and conversions for the bulk pipeline: bodies over the whole grammar, versions that differ in
numbers alone, facts of which a third is absent, orders that come twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from app.adapters.fact_files import shipped_catalogue
from app.bulk.pipeline.extent import Extent, numbers_in
from app.bulk.pipeline.plan import Plan, fact_table
from app.bulk.pipeline.refusals import NotInBulk
from app.bulk.pipeline.world import World
from app.core.instants import micros
from app.engine.attribution.program_model import ProgramModel, read_model
from app.engine.exchange import Exchange, Rate
from app.engine.factsheet import Conversion, Touch, typed_facts
from app.engine.settlement import settlement_from
from app.engine.terms import TermsHistory
from app.rulelang.facts import Catalogue, Fact
from tests.builders.random_bodies import MONEY, TEXTS, VALUES, Bodies, Size
from tests.builders.terms import history

FIRST, LAST = datetime(1997, 1, 1, tzinfo=UTC), datetime(1997, 5, 1, tzinfo=UTC)
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns")
CURRENCIES = ("USD", "JPY", "KWD")
SMALL = Size(rules=3, depth=2, members=2, values=4, formulas=1)
HUGE = MONEY[-1]


def world(
    random: Random, contracts: int, refused: Counter[str] | None = None, *, items: bool = False, **more: Any
) -> World:
    """Return a world of contracts that run in bulk; `refused` counts those that were drawn and do not, by reason. Payouts
    per item are among the formulas where there are to be `items`."""
    histories: dict[str, TermsHistory] = {}
    currency = random.choice(CURRENCIES)
    while len(histories) < contracts:
        name = f"p{len(histories)}"
        for drawn in _alike(random, name, currency, items=items):
            one = World("shop", currency, shipped_catalogue(), {drawn.contract.partner: drawn}, **more)
            try:
                _compiled(one)
            except NotInBulk as reason:
                if refused is not None:
                    refused[reason.reason] += 1
                break
            histories[drawn.contract.partner] = drawn
    return World("shop", currency, shipped_catalogue(), histories, **more)


def _compiled(one: World) -> None:
    columns = fact_table(one).columns
    small = {each.name for each in columns.values() if each.fact.type == "integer"}
    sizes = {name: 1_000 if name in small else 10**9 for name in numbers_in(columns)}
    for held in columns.values():
        sizes |= (
            {held.name: 3, **{f"{held.name}.{of.name}": 10**9 for of in held.fields.values()}} if held.fields else {}
        )
    extent = Extent(1000, micros(FIRST), micros(LAST), sizes)
    plan = Plan(one, extent)
    plan.judged()
    plan.tallied()
    plan.priced()
    if plan.kinds:
        _ = plan.limits


def _alike(random: Random, name: str, currency: str, *, items: bool) -> list[TermsHistory]:
    """Return one contract, or a few that differ in their numbers alone."""
    bodies = Bodies(random, SMALL, _of_conversions())
    later = sorted(random.sample(("1997-02-10", "1997-03-01", "1997-04-07"), random.randint(0, 2)))
    starts = ["1997-01-01", *later]
    versions = [
        {
            "effective_from": start,
            "rules": {
                "eligibility": _body(bodies.eligibility)
                if random.random() < 0.4
                else {"rules": [], "otherwise": "accept"},
                "attribution": _attribution(random),
                "payout": _body(bodies.payout, items=items),
            },
        }
        for start in starts
    ]
    if random.random() < 0.1:
        versions[-1] = {"effective_from": starts[-1], "termination": True}
    zone, rounding = random.choice(ZONES), random.choice(("half_away", "half_even"))
    count = random.choice((1, 1, 2, 3))
    return [
        _history([versions, _renumbered(random, versions)][at > 0], f"{name}{'abc'[at]}", zone, currency, rounding)
        for at in range(count)
    ]


def _attribution(random: Random) -> dict[str, Any]:
    claims = {"claims": random.choice(("accept",) * 7 + ("refuse",))}
    if random.random() < 0.4:
        return claims
    drawn = Bodies(random, Size(rules=2, depth=1, members=2, values=4), _of_touches()).attribution()
    window = {"id": "window", "when": {"fact": "touch.age", "op": "lt", "value": "P5D"}}
    return {**claims, "qualify": [*drawn.get("qualify", []), window]}


def _of_touches() -> Catalogue:
    names = ("touch.type", "touch.age", "touch.placement", "touch.device_type", "country", "quantity", "weekday")
    return Catalogue({name: shipped_catalogue()[name] for name in names})


def models(random: Random, *, screens: bool = False, fades: bool = False) -> list[tuple[datetime, ProgramModel]]:
    """Return one model, or two in turn; `screens`: with overrides, identities and what is suppressed; `fades`: the first
    gives less for what was longer ago."""
    return [
        (start, _model(random, _screening(random) if screens else {}, fades=fades))
        for start in (FIRST - timedelta(days=90), FIRST + timedelta(days=50))[: random.randint(1, 2)]
    ]


def _screening(random: Random) -> dict[str, Any]:
    """Return what a model says before it is asked: each of it now and then, over codes and customers that occur."""

    def codes() -> list[str]:
        return random.sample((*VALUES["text"][:4], *TEXTS[:4]), random.randint(1, 2))

    def override(number: int) -> dict[str, Any]:
        whom = random.choice(("p0", "p0a", "p1", "p2", "p2a", "stranger"))
        days = {"from": "1997-02-01"} if random.random() < 0.3 else {}
        days |= {"until": "1997-03-20"} if random.random() < 0.3 else {}
        if random.random() < 0.4:
            return {"id": f"o{number}", "preferred_partner": whom, **days}
        return {"id": f"o{number}", "exclusive_coupon": {"codes": codes(), "partner": whom}, **days}

    own = {"partner": random.choice(("p0", "p1", "p1a")), "customer_id": ["u1", "u2"]}
    own |= {"device_id": codes()} if random.random() < 0.5 else {}
    suppress = {"codes": codes()} if random.random() < 0.5 else {}
    suppress |= {"self_referral": [own]} if random.random() < 0.5 else {}
    keys = ["customer_id", "household_id", "device_id"]
    found: dict[str, Any] = {"suppress": suppress} if suppress else {}
    found |= {"identity": random.sample(keys, random.randint(1, 3))} if random.random() < 0.5 else {}
    overrides = [override(number) for number in range(random.randint(1, 4))]
    return found | ({"overrides": overrides} if random.random() < 0.6 or not found else {})


def _model(random: Random, screening: dict[str, Any], *, fades: bool = False) -> ProgramModel:
    first, last = random.choice((("40", "40"), ("33.3", "33.3"), ("50", "12.5"), ("0", "70")))
    middle = str(100 - Decimal(first) - Decimal(last))
    own: dict[str, Any] = random.choice(
        (
            {"model": "last_touch"},
            {"model": "first_touch"},
            {"model": "linear"},
            {"model": "linear"},
            {"model": "position_based", "first": first, "middle": middle, "last": last},
        )
    )
    if fades and random.random() < 0.8:
        own = {"model": "time_decay", "half_life": random.choice(("PT1H", "P1D", "P7D", "PT0.01S", "PT7H13M0.000001S"))}
    more = {"prefer": ["click", "view"]} if random.random() < 0.4 else {}
    found, wrong = read_model({**own, **more, **screening, "not_eligible": random.choice(("forfeit", "reassign"))})
    assert found is not None, wrong
    return found


def identified(random: Random, given: list[Conversion]) -> list[Conversion]:
    """Return conversions whose touches know whose they are: the buyer's, somebody else's or nobody's."""
    return [replace(one, touches=tuple(_identified(random, touch, one) for touch in one.touches)) for one in given]


def _identified(random: Random, touch: Touch, one: Conversion) -> Touch:
    found = {}
    for key in ("customer_id", "household_id", "device_id"):
        value = one.facts.get(key, "h1") if random.random() < 0.7 else "else"
        found |= {f"touch.{key}": value} if random.random() < 0.5 else {}
    return replace(touch, facts={**touch.facts, **found})


def _touches(random: Random, at: datetime, partners: list[str]) -> tuple[Touch, ...]:
    found = []
    for number in range(random.choice((0, 1, 2, 3, 5))):
        before = timedelta(hours=random.choice((-3, 0, 1, 1, 2, 30, 119, 120, 121, 300)))
        raw = {"touch.placement": random.choice(VALUES["text"]), "touch.device_type": random.choice(("ctv", "mobile"))}
        kept = {name: value for name, value in raw.items() if random.random() < 0.6}
        facts, wrong = typed_facts(kept, shipped_catalogue(), "/facts", "touch")
        assert not wrong, wrong
        kind: Any = random.choice(("click", "view"))
        found.append(Touch(f"t{random.randint(0, 9)}-{number}", random.choice(partners), kind, at - before, facts))
    return tuple(found)


def _history(versions: list[Any], name: str, zone: str, currency: str, rounding: Any) -> TermsHistory:
    found = history(versions, timezone=zone, currency=currency, rounding=rounding)
    party = type(found.contract)(name, "shop", name, currency, found.contract.timezone, rounding)
    return TermsHistory(party, [span.version for span in found.spans], found.as_of)


def _body(draw: Callable[[], dict[str, Any]], *, items: bool = False) -> dict[str, Any]:
    """Return a body without numbers beyond what 38 digits hold, and, unless there are to be, without payouts per item."""
    while True:
        text = json.dumps(draw()).replace(HUGE, "123456.789")
        if items or '"per_item"' not in text:
            body: dict[str, Any] = json.loads(text)
            return body


def _renumbered(random: Random, data: Any, key: str = "") -> Any:
    """Return rules with other amounts of money and rates: not those that have an order among themselves."""
    if isinstance(data, dict):
        if "steps" in data:
            return data
        return {name: _renumbered(random, value, name) for name, value in data.items()}
    if isinstance(data, list):
        return [_renumbered(random, each) for each in data]
    if key in ("flat", "per_unit", "percent", "cpm") and isinstance(data, str):
        return random.choice(("0.7", "1.25", "3", "12.005"))
    return data


def _of_conversions() -> Catalogue:
    return Catalogue({fact.name: fact for fact in shipped_catalogue() if fact.subject == "conversion"})


def conversions(random: Random, world: World, count: int, *, touched: bool = False) -> list[Conversion]:
    """Return conversions claimed by partners of a world, a few by nobody or by one that it does not know."""
    partners: list[str | None] = [*world.histories] * 4 + ["stranger", None]
    found = []
    for number in range(count):
        at = FIRST + timedelta(minutes=random.randint(-3000, 24 * 60 * 120))
        typed, wrong = typed_facts(_facts(random), world.catalogue, "/facts")
        assert not wrong, wrong
        touches = _touches(random, at, [*world.histories, "stranger"]) if touched else ()
        partner = random.choice([*partners, *[None] * (len(partners) if touched else 0)])
        found.append(Conversion(f"c{random.randint(0, 99)}-{number}", "shop", at, partner, typed, touches=touches))
    return found


def _facts(random: Random) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for fact in shipped_catalogue():
        if fact.subject != "conversion" or fact.derived or fact.name == "currency" or random.random() < 0.33:
            continue
        facts[fact.name] = _value(random, fact)
    facts["order_id"] = f"o{random.randint(0, 400)}"
    facts["customer_id"] = f"u{random.randint(0, 9)}"
    if random.random() < 0.8:
        facts["order_value"] = str(Decimal(random.randint(-500, 20_000)) / 100)
    return {name: value for name, value in facts.items() if value is not None}


def _value(random: Random, fact: Fact) -> Any:
    match fact.type:
        case "enum":
            return random.choice(fact.values)
        case "enum_list":
            return random.sample(fact.values, random.randint(0, 2))
        case "text_list":
            return random.sample((*VALUES["text"], *TEXTS[:4]), random.randint(0, 3))
        case "text":
            return random.choice((*VALUES["text"], *TEXTS[:4]))
        case "records":
            return [_item(random, fact) for _ in range(random.randint(0, 3))]
        case "decimal":
            return random.choice((*VALUES["decimal"][:-1], "77.77", "3.1"))
        case "integer":
            return random.choice((-1, 0, 1, 2, 3, 9, 15, 200))
    return random.choice(VALUES[fact.type])


def _item(random: Random, fact: Fact) -> dict[str, Any]:
    fields = [field for field in fact.fields if field.required or random.random() < 0.6]
    return {field.name: _value(random, field) for field in fields}


LIMIT_WINDOWS = ("event", "day", "week", "month", "quarter", "contract_year", "contract")
AMOUNTS = ("0", "0.004", "0.005", "1", "2.505", "3.40", "5", "7.995", "10", "12")


def limited(random: Random, contracts: int, *, alike: bool, **more: Any) -> World:
    """Return contracts that pay what an order says under limits, which conversions come near to the cent. `alike`: one
    limit, of which versions change the maximum alone; else up to three of any kind in each version."""
    histories = {f"p{number}": _under_limits(random, f"p{number}", alike) for number in range(contracts)}
    return World("shop", "USD", shipped_catalogue(), histories, **more)


def _under_limits(random: Random, name: str, alike: bool) -> TermsHistory:
    one = _limit(random, 0, "contract")
    if alike:
        one = {**one, "measure": "amount", "over": "partial", "window": random.choice(("month", "quarter", "contract"))}
        if random.random() < 0.4:
            one = {**one, "measure": "count", "over": random.choice(("zero", "reject", "hold"))}
    versions = []
    per = random.choice(("contract", "customer", "partner"))
    for start in ("1997-01-01", "1997-02-10", "1997-03-05")[: random.randint(1, 3)]:
        most = random.choice(("0", "2", "9") if one["measure"] == "count" else ("10.00", "31.01", "50"))
        limits = [{**one, "max": most}] if alike else [_limit(random, at, per) for at in range(random.randint(1, 3))]
        payout = {
            "rules": [],
            "otherwise": {"amount": "order_value"},
            "bonuses": [{"id": "second", "when": {"fact": "discount", "op": "exists"}, "then": {"amount": "discount"}}],
            "limits": [] if alike and random.random() < 0.2 else limits,
        }
        versions.append({"effective_from": start, "rules": {"payout": payout}})
    return _history(versions, name, "America/New_York", "USD", "half_away")


def _limit(random: Random, number: int, per: str) -> dict[str, Any]:
    measure = random.choice(("amount", "amount", "count"))
    fallback = {"fallback": {"flat": random.choice(("0.25", "1", "6"))}}
    overs: list[Any] = ["zero", "reject", "hold", fallback] + ["partial", "partial"] * (measure == "amount")
    most = ("0", "5", "10.00", "12.345", "20", "31.01") if measure == "amount" else ("0", "1", "2", "3")
    return {
        "id": f"l{number}",
        "measure": measure,
        "per": per,
        "window": random.choice(LIMIT_WINDOWS),
        "max": random.choice(most),
        "over": random.choice(overs),
    }


def sales(random: Random, world: World, count: int, *, refunds: bool, touched: bool = False) -> list[Conversion]:
    """Return conversions of one or two lines, few at a time, some of which take back; claimed, or touched by partners."""
    found = []
    for number in range(count):
        at = FIRST + timedelta(hours=random.choice((random.randint(0, 24 * 100), random.randint(900, 1000))))
        facts = {"customer_id": random.choice(("ann", "bob")), "order_value": random.choice(AMOUNTS)}
        if random.random() < 0.4:
            sign = "-" if refunds and random.random() < 0.4 else ""
            facts["discount"] = sign + random.choice(AMOUNTS)
        typed, wrong = typed_facts(facts, world.catalogue, "/facts")
        assert not wrong, wrong
        partners = list(world.histories)
        partner, touches = (None, _touches(random, at, partners)) if touched else (random.choice(partners), ())
        name = f"c{random.randint(0, 99)}-{number}"
        found.append(Conversion(name, "shop", at, partner, typed, touches=touches))
    return found


def paying_by_item(random: Random, contracts: int) -> World:
    """Return contracts that pay for each item, among other things, in one currency."""
    currency = random.choice(CURRENCIES)
    bodies = Bodies(random, SMALL, _of_conversions())

    def formula() -> dict[str, Any]:
        drawn = _body(bodies._per_item, items=True)
        more = random.choice(({"flat": "0.5"}, {"per_unit": "0.1", "of": "quantity"}))
        return random.choice((drawn, {"sum": [drawn, more]}, {"clamp": drawn, "min": "0", "max": "7.5"}))

    def terms(name: str) -> TermsHistory:
        limit = {**_limit(random, 0, "contract"), "over": random.choice(("zero", {"fallback": formula()}))}
        when = {"fact": "is_new_customer", "op": "eq", "value": True}
        payout = {
            "rules": [{"id": "new", "when": when, "then": formula()}],
            "otherwise": formula(),
            "limits": [limit] if random.random() < 0.4 else [],
        }
        versions = [{"effective_from": "1997-01-01", "rules": {"payout": payout}}]
        return _history(versions, name, random.choice(ZONES), currency, random.choice(("half_away", "half_even")))

    histories = {f"p{number}": terms(f"p{number}") for number in range(contracts)}
    return World("shop", currency, shipped_catalogue(), histories)


SETTLED = (
    {},
    {"fx": {"date": "event"}},
    {"fx": {"date": "event"}, "lock": {"event_days": 3}},
    {"fx": {"date": "lock"}, "lock": {"event_days": 3}},
    {"fx": {"date": "event"}, "lock": {"month_end_days": 5}},
    {"fx": {"date": "lock"}, "lock": {"month_end_days": 1}},
    {"fx": {"date": "lock"}, "lock": {"day_of_month": 31}},
    {"fx": {"date": "fixed", "rates": {"EUR": "1.1", "JPY": "0.0081"}}},
)


def abroad(random: Random, drawn: World) -> World:
    """Return a world whose contracts are paid in several currencies, at rates of which some are missing, some were corrected
    and some are enormous."""
    histories = {}
    for name, of in drawn.histories.items():
        settled = settlement_from(random.choice(SETTLED))
        versions = [replace(span.version, settlement=settled) for span in of.spans]
        currency = random.choice((of.contract.currency, "EUR", "USD"))
        histories[name] = TermsHistory(replace(of.contract, currency=currency), versions, of.as_of)
    seed = random.randint(0, 10**9)

    def rate_of(source: str, target: str, day: date, final_at: datetime | None) -> Rate | None:
        of_day = Random(f"{seed}{source}{target}{day}")
        first, second = (Rate(Decimal(of_day.choice(RATES_OF_DAYS)), f"bank {number}") for number in (1, 2))
        if of_day.random() < 0.2:
            return None
        is_corrected = final_at is None or final_at > datetime(1997, 3, 15, 12, tzinfo=UTC)
        return second if is_corrected else first

    return replace(drawn, histories=histories, exchange=Exchange(drawn.catalogue, rate_of))


RATES_OF_DAYS = ("0.5", "1.1", "0.876543219", "147.25", "1", "1.000001")


def priced_abroad(random: Random, world: World, given: list[Conversion]) -> list[Conversion]:
    """Return conversions of which most say which currency they are in, and a few are larger than any rate leaves them."""
    found = []
    for one in given:
        stated = random.choice(({}, {"currency": "EUR"}, {"currency": "JPY"}, {"currency": "USD"}, {"currency": "GBP"}))
        more: dict[str, Any] = {"tax": Decimal("4611686018427")} if random.random() < 0.05 else {}
        found.append(replace(one, facts={**one.facts, **stated, **more}))
    return found
