"""Rule bodies that hold everything the language has, and the places in them."""

from __future__ import annotations

from typing import Any

from tests.builders.terms import data

VALID = [
    data("""
        kind: eligibility
        rules:
          - id: a
            name: All of it
            when:
              all:
                - {fact: country, op: not_in, value: [US, CA], if_missing: match}
                - any:
                    - {fact: hour, op: between, value: [1, 2]}
                    - {not: {fact: is_trial, op: eq, value: true, if_missing: match}}
                - {fact: signup_on, op: exists}
                - {fact: tax, op: neq, value: {fact: shipping}, if_missing: match}
                - {fact: sku, op: starts_with, value: CD-}
                - {fact: skus, op: contains_any, value: [CD-1, CD-2]}
                - {fact: fulfilment_methods, op: is_empty}
                - {no_item: items, if_missing: match, where: {fact: price, op: lt, value: "0.01"}}
            then: accept
          - {id: b, when: {fact: order_value, op: lt, value: "5"}, then: {reject: LOW}}
        otherwise: {hold: LOOK}
        """),
    {"kind": "attribution", "claims": "accept", "qualify": []},
    data("""
        kind: attribution
        claims: refuse
        qualify:
          - id: clicks
            name: Clicks of 30 days
            when: {all: [{fact: touch.type, op: eq, value: click}, {fact: touch.age, op: lt, value: P30D}]}
          - {id: views, when: {all: [{fact: touch.age, op: lt, value: P1D}, {fact: country, op: eq, value: US}]}}
        """),
    data("""
        kind: payout
        "on": conversion
        hit: sum
        rules:
          - {id: a, when: {always: true}, then: {clamp: {percent: "5", of: order_value}, min: "1", max: "9"}}
          - {id: b, when: {always: true}, then: {sum: [{per_unit: "1", of: quantity}, {cpm: "1", of: quantity}, {amount: tax}]}}
          - id: c
            when: {always: true}
            then:
              tiers:
                {mode: graduated, by: {count: true}, window: month, rate: per_unit,
                 steps: [{up_to: "5", unit: "1", flat: "2"}, {up_to: null, unit: "1"}]}
        bonuses:
          - id: d
            when: {always: true}
            then: {package: {size: "10", amount: "1", free: "5", round: down}, of: quantity}
        limits:
          - {id: l, measure: amount, per: contract, window: month, max: "100", over: partial}
          - {id: m, measure: count, per: customer, window: contract_year, max: "3", over: {fallback: {percent: "1", of: tax}}}
          - {id: n, measure: amount, per: partner, window: week, max: "9", over: zero}
        otherwise: {least: [{flat: "1"}, {greatest: [{flat: "2"}]}]}
        """),
]


def places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every part of a document."""
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]
