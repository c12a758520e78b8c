"""Each thing durable does that it must not do here, by a short name, and the tests that show it and that the product is safe.

The first half of such a test uses durable as its manual shows, in a process of its own; the second asks the product.
They say why the adapter is as it is: should a later durable pass the first half of one, its guard can go.
"""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

import tests.adapters.test_durable_codec as codec
import tests.adapters.test_durable_firing as firing
import tests.adapters.test_durable_life as life
import tests.adapters.test_durable_limits as limits
import tests.adapters.test_durable_matcher as matcher
import tests.adapters.test_durable_process as process
import tests.adapters.test_durable_trial as trial
import tests.adapters.test_durable_values as values
import tests.engine.payout.test_lines as lines
import tests.engine.test_eligibility as eligibility

THEMES = (values, firing, limits, life)

DANGERS = {
    "a division by zero kills the process": (
        firing.test_a_division_by_zero_ends_the_process,
        firing.test_no_arithmetic_is_sent_to_the_engine,
    ),
    "deleting a context where nothing fired crashes": (life.test_deleting_a_context_in_which_nothing_fired_crashes,),
    "a rule for a missing fact, or about id or sid, fires for ever": (
        firing.test_a_rule_for_a_missing_fact_fires_for_ever,
        firing.test_a_rule_about_a_fact_named_like_the_engines_own_fires_for_ever,
    ),
    "an or fires once per true branch": (
        firing.test_an_any_fires_once_for_every_true_part,
        firing.test_anys_side_by_side_multiply,
    ),
    "an event is consumed by the first rule": (firing.test_an_event_is_seen_by_the_first_rule_only,),
    "exceptions in actions are swallowed": (firing.test_what_an_action_raises_is_swallowed,),
    "values of different types are equal or ordered": (values.test_values_of_two_types_compare_as_if_they_were_of_one,),
    "floats fail to parse, NaN is null, Decimal cannot be passed": (
        values.test_floats_cannot_be_read,
        values.test_nan_is_taken_for_something_that_is_there,
        values.test_a_decimal_cannot_be_passed,
    ),
    "integers beyond 2^63 saturate": (values.test_an_integer_beyond_64_bits_becomes_the_largest,),
    "text is ordered wrongly, lengths are taken mod 65,536": (
        values.test_text_is_put_in_the_wrong_order,
        values.test_text_is_equal_to_one_that_is_65536_characters_longer,
    ),
    "null is not missing, and unequal to nothing": (
        values.test_nothing_is_said_of_what_is_null,
        values.test_what_is_null_is_there_and_what_is_absent_is_unequal_to_nothing,
    ),
    "conditions on lists of objects are wrong": (
        values.test_an_or_about_the_objects_of_a_list_is_wrong_in_many_cases,
        values.test_all_items_of_an_empty_list_is_false,
    ),
    "more than 64 rules true: error 303; 512 siblings never compile": (
        limits.test_more_than_64_rules_that_are_true_together_are_an_error,
        limits.test_many_anys_that_are_true_together_are_an_error,
        limits.test_about_512_conditions_side_by_side_are_never_compiled,
        limits.test_a_list_of_any_length_is_compiled_and_exact,
        limits.test_sets_of_the_largest_size_are_cut_and_decided,
    ),
    "fifteen groups in a rule: error 113": (limits.test_fifteen_groups_in_one_rule_are_an_error,),
    "more than 252 properties: error 302": (limits.test_more_than_252_properties_of_a_fact_are_an_error,),
    "1,024 contexts, then no memory; an object as sid": (
        life.test_after_1024_contexts_there_is_no_memory_for_another,
        life.test_an_object_as_context_cannot_be_read,
    ),
    "an action during which the clock jumps is dropped": (
        firing.test_an_action_is_dropped_when_the_clock_jumps,
        matcher.test_a_frozen_or_jumping_clock_changes_nothing,
    ),
    "rulesets cannot be replaced or removed": (life.test_a_ruleset_can_be_neither_replaced_nor_removed,),
    "no list of matched rules, no why-not": (firing.test_nothing_tells_which_rules_matched_or_why_not,),
}

WRAPPER = {
    "no stock Host, whose two timers renew themselves": (
        life.test_the_stock_host_starts_two_timers_that_renew_themselves,
    ),
    "one compiled set per version by hash, in an LRU, freed in order": (
        process.test_three_hundred_rule_sets_in_room_for_fifty_take_no_more_memory_each_time,
        matcher.test_one_hash_for_two_rule_sets_is_a_fault,
        life.test_deleting_a_context_in_which_nothing_fired_crashes,
    ),
    "a guard on every rule, and names of our own": (
        codec.test_a_rule_is_a_guarded_chain_and_the_end_rule_comes_last,
        codec.test_names_are_told_apart_by_the_hash_the_engine_knows_them_by,
    ),
    "a last rule must fire last, else a fault": (matcher.test_a_fault_is_raised_and_the_set_built_anew,),
    "assert, retract, one context, one lock": (
        matcher.test_facts_leave_nothing_behind,
        matcher.test_eight_threads_on_one_set_do_not_mix_their_facts,
    ),
    "an action only names its rule": (
        firing.test_what_an_action_raises_is_swallowed,
        matcher.test_rules_that_fire_for_ever_are_stopped,
    ),
    "hit policy is applied afterwards": (
        lines.test_hit_says_which_of_the_rules_that_match_pay,
        eligibility.test_reject_beats_hold_beats_accept_in_any_order_of_the_rules,
    ),
    "each candidate is built in a limited process first": (
        trial.test_what_would_harm_a_worker_is_refused_within_its_limits,
        trial.test_the_largest_rules_of_the_language_pass_within_the_ordinary_limits,
    ),
}


@pytest.mark.parametrize("row", [*DANGERS, *WRAPPER])
def test_each_row_has_tests_that_are_run(row: str) -> None:
    shown = (DANGERS | WRAPPER)[row]
    assert shown
    for test in shown:
        assert test.__name__.startswith("test_"), row
        assert getattr(inspect.getmodule(test), test.__name__) is test, row


def test_no_danger_is_shown_that_is_in_no_row() -> None:
    rows = {test.__name__ for tests in (DANGERS | WRAPPER).values() for test in tests}
    assert [name for module in THEMES for name in _names_of(module) if name not in rows] == []


def _names_of(module: ModuleType) -> list[str]:
    return [name for name, found in vars(module).items() if name.startswith("test_") and inspect.isfunction(found)]
