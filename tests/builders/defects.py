"""Rule bodies with a defect, by the code of its diagnostic: `(body, pointer, part of the message, part of the hint)`."""

from __future__ import annotations


def eligibility(when: str) -> str:
    return f"{{kind: eligibility, otherwise: accept, rules: [{{id: a, then: accept, when: {when}}}]}}"


def payout(then: str) -> str:
    return f'{{kind: payout, "on": conversion, hit: first, rules: [], otherwise: {then}}}'


def tiers(steps: str, more: str = "") -> str:
    return payout(
        f"{{tiers: {{mode: graduated, by: {{sum: quantity}}, window: event, rate: per_unit, steps: {steps}{more}}}}}"
    )


def delivered(then: str) -> str:
    return payout(then).replace("conversion", "delivery")


def limits(*limit: str) -> str:
    return payout(f"{{flat: '0'}}, limits: [{', '.join(limit)}]")


CAP = "{id: cap, measure: amount, per: contract, window: month, max: '5', over: partial}"
COUNT = CAP.replace("amount", "count").replace("partial", "zero")
WHEN, THEN = "/rules/0/when", "/otherwise"
CASES = {
    "wrong_type": [
        (
            eligibility("{fact: sku, op: eq, value: {fact: 5}}"),
            WHEN + "/value/fact",
            "fact is the name of a fact",
            None,
        ),
        ("[]", "", "a rule body is an object; found a list", None),
        (eligibility("7"), WHEN, "expected a condition, found 7", 'for example {"fact"'),
        (
            eligibility("{fact: country, op: eq, value: [US]}"),
            WHEN + "/value",
            "expected one value, found a list",
            "for several values use in",
        ),
        (eligibility("{fact: country, op: in, value: US}"), WHEN + "/value", "expected a list, found 'US'", '["US"]'),
        (eligibility("{fact: hour, op: between, value: [1]}"), WHEN + "/value", "takes two values, low and high", None),
        (eligibility("{fact: [], op: eq, value: US}"), WHEN + "/fact", "fact is the name of a fact", None),
        (
            eligibility("{fact: country, op: eq, value: null}"),
            WHEN + "/value",
            "expected one value, found null",
            "use missing",
        ),
        (eligibility("{always: false}"), WHEN + "/always", "always is true; found False", None),
        (eligibility("{all: {}}"), WHEN + "/all", "expected a list, found an object", None),
        (payout("{flat: 5}"), THEN + "/flat", "an amount of money is a string of digits; found 5", 'a string: "5"'),
        (payout("{flat: true}"), THEN + "/flat", "is a string of digits; found True", None),
        (payout("[]"), THEN, "expected a formula, found a list", '{"percent"'),
        (payout("{amount: ''}"), THEN + "/amount", "expected the name of a fact", None),
        ("{kind: attribution, claims: accept, qualify: 1}", "/qualify", "expected a list, found 1", None),
        (
            payout("{per_item: 5, then: {flat: '1'}}"),
            THEN + "/per_item",
            "the name of a list of records; found 5",
            None,
        ),
        (tiers("[{up_to: null, unit: '1'}]", ", flat_at_zero: 1"), THEN + "/tiers/flat_at_zero", "true or false", None),
        (tiers("[7]"), THEN + "/tiers/steps/0", "expected a step, found 7", None),
        (payout("{tiers: []}"), THEN + "/tiers", "expected a tier table, found a list", None),
        (payout("{package: 5, of: quantity}"), THEN + "/package", "expected a package, found 5", None),
        (
            tiers("[{up_to: null, unit: '1'}]").replace("{sum: quantity}", "{count: false}"),
            THEN + "/tiers/by/count",
            "count is true; found False",
            "sum a fact",
        ),
        (
            tiers("[{up_to: null, unit: '1'}]").replace("{sum: quantity}", "{max: quantity}"),
            THEN + "/tiers/by",
            "by is",
            None,
        ),
        (
            tiers("[{up_to: null, unit: '1'}]").replace("{sum: quantity}", "{sum: 5}"),
            THEN + "/tiers/by/sum",
            "found 5",
            None,
        ),
        ("{kind: eligibility, otherwise: accept, rules: [7]}", "/rules/0", "expected a rule, found 7", None),
        ("{kind: attribution, claims: accept, qualify: [7]}", "/qualify/0", "expected a rule, found 7", None),
        (limits("7"), "/limits/0", "expected a limit, found 7", None),
    ],
    "float_refused": [
        (payout("{flat: 12.50}"), THEN + "/flat", "12.50, a number with a point", 'as a string: "12.50"'),
        (payout("{percent: 1.5e+1, of: order_value}"), THEN + "/percent", "1.5e+1", 'as a string: "15"'),
        (payout("{flat: 1.0e-99}"), THEN + "/flat", "1.0e-99", "a string of digits"),
        (
            eligibility("{fact: order_value, op: gt, value: 5.0}"),
            WHEN + "/value",
            "order_value is 5.0",
            'string: "5.0"',
        ),
        (
            eligibility("{fact: hour, op: in, value: [1, 2.0]}"),
            WHEN + "/value/1",
            "hour is 2.0",
            "integer has no point",
        ),
    ],
    "bad_decimal": [
        (payout("{flat: '1e3'}"), THEN + "/flat", "digits with an optional point", 'for example "12.50"'),
        (payout("{flat: '+1'}"), THEN + "/flat", "found '+1'", 'for example "12.50"'),
        (payout("{flat: '1234567890123456789'}"), THEN + "/flat", "at most 18 before", 'for example "12.50"'),
        (payout("{flat: '0.1234567891'}"), THEN + "/flat", "9 after it", 'for example "12.50"'),
        (
            payout("{package: {size: '0', amount: '1'}, of: quantity}"),
            THEN + "/package/size",
            "size of a package is 0.000000001 or more; found 0",
            None,
        ),
        (
            payout("{package: {size: '1', amount: '1', free: '-1'}, of: quantity}"),
            THEN + "/package/free",
            "the free quantity is 0 or more; found -1",
            None,
        ),
        (limits(CAP.replace("'5'", "'-5'")), "/limits/0/max", "the maximum of a limit is 0 or more; found -5", None),
    ],
    "missing_key": [
        ("{}", "", "a rule body needs the key 'kind'", "eligibility, attribution, payout"),
        ("{kind: attribution}", "", "an attribution body needs the key 'claims'", None),
        (eligibility("{fact: country, op: eq}"), WHEN, "eq needs the key 'value'", None),
        (eligibility("{fact: country}"), WHEN, "a comparison needs the key 'op'", None),
        (payout("{percent: '1'}"), THEN, "percent needs the key 'of'", None),
        (tiers("[{unit: '1'}]"), THEN + "/tiers/steps/0", "a step needs the key 'up_to'", None),
        (limits("{id: cap}"), "/limits/0", "a limit needs the key 'measure'", None),
        ("{kind: eligibility, otherwise: accept, rules: [{id: a}]}", "/rules/0", "a rule needs the key 'when'", None),
    ],
    "unknown_key": [
        (eligibility("{fact: sku, op: eq, value: {fact: plan, plus: '1'}}"), WHEN + "/value/plus", "'plus'", None),
        ("{kind: attribution, claims: accept, clams: 1}", "/clams", "unknown key 'clams'", "'claims'"),
        ("{kind: eligibility, rules: [], otherwise: accept, else: 1}", "/else", "unknown key 'else'", "known: "),
        (payout("{flat: '0'}, bonus: []"), "/bonus", "unknown key 'bonus'", "'bonuses'"),
        (eligibility("{fact: country, op: eq, value: US, ifmissing: match}"), WHEN + "/ifmissing", "", "'if_missing'"),
        (
            eligibility("{fact: country, op: exists, value: 1}"),
            WHEN + "/value",
            "exists takes no value",
            "leave it out",
        ),
        (eligibility("{all: [{always: true}], with: 1}"), WHEN + "/with", "unknown key 'with'", "known: all"),
        (eligibility("{always: true}, note: x"), "/rules/0/note", "unknown key 'note'", "known: id, name, then, when"),
        (payout("{flat: '1', off: x}"), THEN + "/off", "unknown key 'off'", "known: flat"),
        (payout("{percent: '1', of: order_value, max: '1'}"), THEN + "/max", "unknown key 'max'", "of, percent"),
        (payout("{clamp: {flat: '1'}, maximum: '1', max: '1'}"), THEN + "/maximum", "unknown key", "'max'"),
        (payout("{package: {size: '1', amount: '1', fee: '1'}, of: quantity}"), THEN + "/package/fee", "", "'free'"),
        (payout("{sum: [{flat: '1'}], of: x}"), THEN + "/of", "unknown key 'of'", "known: sum"),
        (payout("{amount: order_value, of: x}"), THEN + "/of", "unknown key 'of'", "known: amount"),
        (payout("{hold: X, flat: '1'}"), THEN + "/flat", "unknown key 'flat'", "known: hold"),
        (tiers("[{up_to: null, unit: '1'}]", ", step: 1"), THEN + "/tiers/step", "unknown key 'step'", "'steps'"),
        (tiers("[{up_to: null, unit: '1', flt: '1'}]"), THEN + "/tiers/steps/0/flt", "unknown key 'flt'", "'flat'"),
        (limits(CAP[:-1] + ", pre: 1}"), "/limits/0/pre", "unknown key 'pre'", "'per'"),
        (
            "{kind: eligibility, otherwise: {reject: X, why: Y}, rules: []}",
            "/otherwise/why",
            "unknown key 'why'",
            "known: reject",
        ),
    ],
    "unknown_choice": [
        (limits(CAP.replace("partial", "fallback")), "/limits/0/over", "says what is paid instead", '{"fallback"'),
        ("{kind: payot}", "/kind", "expected one of eligibility, attribution, payout; found 'payot'", "'payout'"),
        ("{kind: [1]}", "/kind", "found a list", "one of: eligibility"),
        ("{kind: attribution, claims: accepted}", "/claims", "found 'accepted'", "'accept'"),
        ("{kind: eligibility, rules: [], otherwise: reject}", "/otherwise", "found 'reject'", '{"reject": "CODE"}'),
        ("{kind: eligibility, rules: [], otherwise: {accept: X}}", "/otherwise", "found 'accept'", None),
        (
            "{kind: eligibility, rules: [], otherwise: {reject: X, hold: Y}}",
            "/otherwise",
            "found 'hold', 'reject'",
            None,
        ),
        ('{kind: payout, "on": click, hit: frist, rules: [], otherwise: {flat: "0"}}', "/hit", "'frist'", "'first'"),
        (eligibility("{fact: country, op: eq, value: US, if_missing: yes}"), WHEN + "/if_missing", "", "match"),
        (tiers("[{up_to: null, unit: '1'}]").replace("graduated", "slab"), THEN + "/tiers/mode", "'slab'", "volume"),
        (
            tiers("[{up_to: null, unit: '1'}]").replace("window: event", "window: moth"),
            THEN + "/tiers/window",
            "",
            "month",
        ),
        (limits(CAP.replace("per: contract", "per: null")), "/limits/0/per", "found null", "contract"),
        (limits(CAP.replace("over: partial", "over: partly")), "/limits/0/over", "found 'partly'", "'partial'"),
        (limits(CAP.replace("over: partial", "over: null")), "/limits/0/over", "found null", "partial"),
    ],
    "unknown_condition": [
        (eligibility("{}"), WHEN, "expected one of fact, all, any, not", "known: "),
        (eligibility("{anny: []}"), WHEN, "found 'anny'", "'any'"),
        (eligibility("{all: [], any: []}"), WHEN, "one condition has both all and any", "nest one of them"),
    ],
    "unknown_formula": [
        (payout("{}"), THEN, "found an empty object", "known: "),
        (payout("{prcent: '1', of: order_value}"), THEN, "found 'prcent', 'of'", "'percent'"),
        (payout("{flat: '1', amount: order_value}"), THEN, "found flat and amount", "to add them up"),
    ],
    "empty_group": [
        (eligibility("{any: []}"), WHEN + "/any", "any has no conditions", '{"always": true}'),
        (
            eligibility("{fact: country, op: in, value: []}"),
            WHEN + "/value",
            "in has no members",
            "leave the comparison out",
        ),
        (
            eligibility("{fact: skus, op: contains_any, value: []}"),
            WHEN + "/value",
            "contains_any has no members",
            None,
        ),
        (
            eligibility("{fact: skus, op: contains_all, value: []}"),
            WHEN + "/value",
            "contains_all has no members",
            None,
        ),
        (payout("{least: []}"), THEN + "/least", "least has no formulas", "to pay nothing"),
    ],
    "bad_identifier": [
        (eligibility("{always: true}").replace("id: a", "id: 'a b'"), "/rules/0/id", "found 'a b'", "'a_b'"),
        (eligibility("{always: true}").replace("id: a", "id: 7"), "/rules/0/id", "found 7", None),
        (eligibility("{always: true}").replace("id: a", "id: " + "a" * 65), "/rules/0/id", "at most 64", None),
        (eligibility("{always: true}, name: 'two\n\n lines'"), "/rules/0/name", "one line", None),
        ("{kind: eligibility, rules: [], otherwise: {reject: too small}}", "/otherwise/reject", "", "'TOO_SMALL'"),
        ("{kind: eligibility, rules: [], otherwise: {hold: 9TH}}", "/otherwise/hold", "starts with a capital", None),
        (payout("{hold: ''}"), "/otherwise/hold", "found ''", None),
    ],
    "duplicate_id": [
        (
            "{kind: eligibility, otherwise: accept, rules: [{id: '!', when: {always: true}, then: accept},"
            "{id: a, when: {always: true}, then: accept}, {id: a, when: {always: true}, then: accept}]}",
            "/rules/2/id",
            "the id 'a' is taken",
            "choose another id",
        ),
        (
            eligibility("{always: true}").replace("id: a", "id: otherwise"),
            "/rules/0/id",
            "stands for no rule",
            "another",
        ),
        (
            payout("{flat: '1'}, bonuses: [{id: b, when: {always: true}, then: {flat: '1'}}]").replace(
                "rules: []", "rules: [{id: b, when: {always: true}, then: {flat: '1'}}]"
            ),
            "/bonuses/0/id",
            "the id 'b' is taken",
            "choose another id",
        ),
        (limits(CAP, CAP), "/limits/1/id", "the id 'cap' is taken", "choose another id"),
    ],
    "unknown_fact": [
        (eligibility("{fact: sku, op: eq, value: {fact: plam}}"), WHEN + "/value/fact", "no fact 'plam'", "'plan'"),
        (
            eligibility("{fact: ordervalue, op: gt, value: '1'}"),
            WHEN + "/fact",
            "no fact 'ordervalue'",
            "'order_value'",
        ),
        (payout("{percent: '1', of: order_valu}"), THEN + "/of", "no fact 'order_valu'", "'order_value'"),
        (payout("{amount: totl}"), THEN + "/amount", "no fact 'totl'", None),
        (
            payout("{sum: [{flat: '1'}, {clamp: {cpm: '1', of: impressions}, max: '1'}]}"),
            THEN + "/sum/1/clamp/of",
            "no fact 'impressions'",
            None,
        ),
        (
            tiers("[{up_to: null, unit: '1'}]").replace("quantity", "quantty"),
            THEN + "/tiers/by/sum",
            "'quantty'",
            "'quantity'",
        ),
        (
            payout("{flat: '1'}, bonuses: [{id: '!'}, {id: b, when: {always: true}, then: {amount: bonus}}]"),
            "/bonuses/1/then/amount",
            "no fact 'bonus'",
            None,
        ),
    ],
    "unknown_operator": [
        (
            eligibility("{fact: country, op: equals, value: US}"),
            WHEN + "/op",
            "unknown operator 'equals'",
            "did you mean 'eq'?",
        ),
        (eligibility("{fact: hour, op: '>=', value: 1}"), WHEN + "/op", "unknown operator '>='", "did you mean 'gte'?"),
        (eligibility("{fact: hour, op: resembles, value: 1}"), WHEN + "/op", "'resembles'", "known: between, "),
        (eligibility("{fact: hour, op: betwen, value: [1, 2]}"), WHEN + "/op", "'betwen'", "'between'"),
        (eligibility("{fact: hour, op: 7, value: 1}"), WHEN + "/op", "unknown operator 7", "known: eq, neq, lt"),
    ],
    "operator_not_for_type": [
        (
            eligibility("{fact: country, op: gt, value: US}"),
            WHEN + "/op",
            "country is text, which has no gt",
            "text has: contains, eq, exists, in, missing, neq, not_in, starts_with",
        ),
        (
            eligibility("{fact: skus, op: eq, value: CD-1}"),
            WHEN + "/op",
            "skus is text_list, which has no eq",
            "text_list has: contains, contains_all, contains_any, exists, is_empty, missing",
        ),
        (eligibility("{fact: country, op: is_empty}"), WHEN + "/op", "country is text, which has no is_empty", None),
    ],
    "value_not_of_type": [
        (eligibility("{fact: skus, op: contains, value: 5}"), WHEN + "/value", "a member of skus is text", None),
        (eligibility("{fact: hour, op: eq, value: soon}"), WHEN + "/value", "hour is integer", "for example 20"),
        (eligibility("{fact: country, op: in, value: [US, 1]}"), WHEN + "/value/1", "found 1", 'for example "US"'),
        (eligibility("{fact: country, op: eq, value: 1.5}"), WHEN + "/value", "country is text", 'for example "US"'),
    ],
    "not_a_member": [
        (
            eligibility("{fact: fulfilment_methods, op: contains_all, value: [pickup, post]}"),
            WHEN + "/value/1",
            "a member of fulfilment_methods is 'post'",
            "one of: delivery, digital, pickup",
        ),
        (
            eligibility("{fact: device_type, op: eq, value: tv}"),
            WHEN + "/value",
            "device_type is 'tv'",
            "did you mean 'ctv'? one of: ctv, desktop",
        ),
    ],
    "if_missing_required": [
        (
            eligibility("{fact: order_value, op: neq, value: {fact: tax}}"),
            WHEN,
            "tax is optional and tested negatively (neq)",
            "if_missing",
        ),
        (eligibility("{not: {fact: skus, op: is_empty}}"), WHEN + "/not", "tested negatively (is_empty)", "if_missing"),
        (
            eligibility("{fact: country, op: neq, value: US}"),
            WHEN,
            "country is optional and tested negatively (neq)",
            '"if_missing": "match"',
        ),
    ],
    "if_missing_useless": [
        (
            eligibility("{fact: order_value, op: gt, value: '1', if_missing: match}"),
            WHEN + "/if_missing",
            "order_value is required",
            None,
        ),
        (eligibility("{fact: country, op: missing, if_missing: match}"), WHEN + "/if_missing", "missing already", None),
    ],
    "empty_range": [
        (eligibility("{fact: hour, op: between, value: [5, 4]}"), WHEN + "/value", "5 is above 4", "lower value first"),
    ],
    "empty_text": [
        (
            eligibility("{fact: sku, op: contains, value: ''}"),
            WHEN + "/value",
            "every text contains the empty",
            "exists",
        ),
        (eligibility("{fact: sku, op: starts_with, value: ''}"), WHEN + "/value", "starts with the empty", "exists"),
    ],
    "facts_not_comparable": [
        (
            eligibility("{fact: quantity, op: lt, value: {fact: order_value}}"),
            WHEN + "/value/fact",
            "quantity is integer, and order_value is decimal",
            "facts of this type: customer_order_number, hour, month",
        ),
        (
            eligibility("{fact: device_type, op: eq, value: {fact: weekday}}"),
            WHEN + "/value/fact",
            "device_type is enum (ctv, desktop, mobile, tablet, other), and weekday is enum (monday,",
            "facts of this type: touch.device_type",
        ),
        (
            eligibility("{fact: tax, op: lte, value: {fact: tax}}"),
            WHEN + "/value/fact",
            "tax is compared with itself",
            "name another fact",
        ),
    ],
    "derived_fact": [],
    "not_a_number": [
        (
            limits(CAP.replace("partial", "{fallback: {amount: country}}")),
            "/limits/0/over/fallback/amount",
            "which is text",
            None,
        ),
        (payout("{percent: '1', of: country}"), THEN + "/of", "country, which is text", "numbers are: order_value"),
        (payout("{amount: local_date}"), THEN + "/amount", "local_date, which is date", "numbers are: "),
    ],
    "bad_item_formula": [
        (
            payout("{per_item: items, then: {per_item: items, then: {flat: '1'}}}"),
            THEN + "/then",
            "an item is paid for by itself; found per_item in it",
            None,
        ),
        (
            payout(
                "{per_item: items, then: {sum: [{tiers: {mode: volume, by: {count: true}, window: month, rate: per_unit,"
                " steps: [{up_to: null, unit: '1'}]}}]}}"
            ),
            THEN + "/then/sum/0/tiers/window",
            "found tiers over a month",
            'window "event"',
        ),
    ],
    "bad_steps": [
        (
            tiers("[{up_to: null, unit: '1'}]", ", crossing: whole_at_old").replace("graduated", "volume"),
            THEN + "/tiers/crossing",
            "volume pays all at the step that is reached",
            None,
        ),
        (tiers("[]"), THEN + "/tiers/steps", "at least one step", '"up_to": null'),
        (tiers("[{up_to: '5', unit: '1'}]"), THEN + "/tiers/steps/0/up_to", "the last step has up_to null", None),
        (
            tiers("[{up_to: null, unit: '1'}, {up_to: null, unit: '1'}]"),
            THEN + "/tiers/steps/0/up_to",
            "only the last step",
            None,
        ),
        (
            tiers("[{up_to: '5', unit: '1'}, {up_to: '5.0', unit: '1'}, {up_to: null, unit: '1'}]"),
            THEN + "/tiers/steps/1/up_to",
            "up_to 5.0 does not lie above 5",
            None,
        ),
        (
            tiers("[{up_to: '0', unit: '1'}, {up_to: null, unit: '1'}]"),
            THEN + "/tiers/steps/0/up_to",
            "up_to 0 does not lie above 0",
            None,
        ),
        (
            tiers("[{up_to: null, unit: '1'}]")
            .replace("{sum: quantity}", "{count: true}")
            .replace("per_unit", "percent"),
            THEN + "/tiers/rate",
            "percent needs an amount",
            "order_value",
        ),
    ],
    "bad_limit": [
        (limits(COUNT.replace("zero", "partial")), "/limits/0/over", "it is paid or not", 'write "zero"'),
        (limits(COUNT.replace("'5'", "'5.5'")), "/limits/0/max", "in whole numbers; found 5.5", 'write "5"'),
    ],
    "bad_clamp": [
        (payout("{clamp: {flat: '1'}}"), THEN, "a clamp has min, max or both", 'add "min"'),
        (payout("{clamp: {flat: '1'}, min: '2', max: '1'}"), THEN, "minimum 2 is above the maximum 1", "swap them"),
    ],
    "source_not_here": [
        (
            eligibility("{fact: sku, op: in, value: [{fact: plan}]}"),
            WHEN + "/value/0",
            "a member is one value, not a value from a fact",
            "stands for all members",
        ),
        (eligibility("{fact: sku, op: in, value: [{list: a}]}"), WHEN + "/value/0", "from a list", "stands for all"),
        (
            eligibility("{fact: sku, op: contains, value: {fact: plan}}"),
            WHEN + "/value",
            "contains takes no value from a fact; eq, neq, lt, lte, gt, gte do",
            None,
        ),
        (
            eligibility("{fact: sku, op: eq, value: {list: a}}"),
            WHEN + "/value",
            "eq takes no value from a list; in, not_in, contains_any, contains_all do",
            None,
        ),
    ],
    "unknown_param": [
        (
            eligibility("{fact: sku, op: eq, value: {param: a}}"),
            WHEN + "/value/param",
            "no value is given for the parameter 'a'",
            "under `params` of the contract version",
        ),
    ],
    "unknown_list": [
        (
            eligibility("{fact: sku, op: in, value: {list: vip}}"),
            WHEN + "/value/list",
            "there is no list 'vip'",
            "publish it first",
        ),
    ],
    "not_records": [
        (
            payout("{per_item: skus, then: {flat: '1'}}"),
            THEN + "/per_item",
            "skus is text_list; per_item wants a list of records",
            "lists of records are: items",
        ),
        (
            eligibility("{any_item: skus, where: {fact: sku, op: eq, value: A}}"),
            WHEN + "/any_item",
            "skus is text_list; any_item wants a list of records",
            "lists of records are: items",
        ),
    ],
    "fact_of_other_subject": [
        (payout("{cpm: '5', of: delivery.impressions}"), "/otherwise/of", "a fact of a delivery", None),
        (delivered("{per_unit: '1', of: quantity}"), "/otherwise/of", "these rules are about a delivery", None),
        (
            delivered("{flat: '1'}, bonuses: [{id: b, when: {fact: country, op: eq, value: US}, then: {flat: '1'}}]"),
            "/bonuses/0/when/fact",
            "country is a fact of a conversion",
            "did you mean 'delivery.country'?",
        ),
    ],
    "not_for_deliveries": [
        (
            delivered(f"{{flat: '1'}}, limits: [{CAP.replace('amount', 'count')}]"),
            "/limits/0/measure",
            "counts conversions",
            '"amount"',
        ),
        (
            delivered(f"{{flat: '1'}}, limits: [{CAP.replace('contract', 'customer')}]"),
            "/limits/0/per",
            "no customer",
            '"contract"',
        ),
        (
            delivered(
                "{tiers: {mode: graduated, by: {count: true}, window: month, rate: per_unit, steps: [{up_to: null, unit: '1'}]}}"
            ),
            "/otherwise",
            "sums impressions",
            "delivery.billable",
        ),
        (
            delivered(
                "{tiers: {mode: volume, by: {sum: delivery.billable}, window: month, rate: per_unit, steps: [{up_to: null, unit: '1'}]}}"
            ),
            "/otherwise",
            "volume over several days",
            "graduated",
        ),
    ],
}
# These are met with a body of the size of the limit: test_limits.py.
BY_SIZE = {
    "too_deep",
    "too_many_groups",
    "too_many_leaves",
    "too_many_rules",
    "too_many_members",
    "too_many_steps",
    "too_many_findings",
}
# These are met with lists that exist, facts that are declared and packs that are filled: test_bindings.py,
# test_declared.py, test_packs.py.
BY_BINDING = {"list_not_for_fact", "fact_known", "bad_declaration", "out_of_range"}
