"""Rules that are changed hold for what was given out before: nothing of it can be subtracted."""

from typing import Any

import pytest
from measures.gathered import (
    ALL,
    NAME,
    bring,
    count,
    day,
    define,
    definition,
    redefine,
    rows,
    shown,
)
from simulator import SimulatedNode

from downstream_node.errors import Busy, InvalidDefinition
from downstream_node.measures import aggregating, releasing, results
from downstream_node.measures.models import BudgetEntry, Cell, Release
from downstream_node.measures.rules import RULES, fingerprint

NOISY: dict[str, Any] = {
    "noise_epsilon": 0.5,
    "noise_budget": 1.0,
    "value_min": 0.0,
    "value_max": 100.0,
}
STRICTER: list[Any] = [
    pytest.param({"aggregation_threshold": 4}, id="a higher threshold"),
    pytest.param({"count_contributors": True, "aggregation_threshold": 4}, id="contributors"),
    pytest.param({"suppress_complements": True}, id="complements"),
    pytest.param(NOISY, id="noise"),
]


def released(node: SimulatedNode, **rules: Any) -> None:
    """Release three measures of yesterday at its end, under these *rules* besides."""
    define(node, release_at_period_end=True, **{"aggregation_threshold": 2} | rules)
    bring(node, [1, 2, 3], start=day(-1), contributors=[1, 2, 3])
    count(node)
    assert len(shown(node)) == 1


def totals(node: SimulatedNode) -> list[float]:
    """The sums that readers get."""
    return [row.total for row in shown(node)]


@pytest.mark.parametrize("changes", STRICTER)
def test_nothing_is_shown_before_the_next_run(node: SimulatedNode, changes: dict[str, Any]) -> None:
    """From the change on, no release is given out that was not held against the new rules."""
    released(node)
    redefine(node, **changes)
    assert shown(node) == []


def test_the_next_run_is_due_at_once(node: SimulatedNode) -> None:
    """What the new rules allow is back with the job's next pass, and not a day later."""
    released(node)
    redefine(node, suppress_complements=True)
    assert aggregating.aggregate_all(node.parts) == {NAME: 0}
    assert totals(node) == [6]


def test_other_settings_change_nothing(node: SimulatedNode) -> None:
    """Whoever may read, and how often is counted, is no rule of release."""
    released(node)
    redefine(node, description="Visits", access_public=True, execution_frequency="week")
    assert totals(node) == [6]


def test_quartiles_that_are_not_wanted_any_more(node: SimulatedNode) -> None:
    """They are not given out, in releases of before either."""
    released(node, with_quartiles=True)
    assert shown(node)[0].median == 2
    redefine(node, with_quartiles=False)
    assert (shown(node)[0].median, totals(node)) == (None, [6])


# The threshold


def test_a_release_is_as_large_as_when_it_was_made(node: SimulatedNode) -> None:
    """One of three is not shown where four are asked for, though its cell has four by now."""
    released(node)
    bring(node, [10], start=day(-1))
    count(node)
    redefine(node, aggregation_threshold=4)
    count(node)
    assert shown(node) == []


def test_a_higher_threshold_still_compares_with_what_was_shown(node: SimulatedNode) -> None:
    """The next release has as many more as the new threshold asks for."""
    released(node)
    redefine(node, aggregation_threshold=4)
    seen = []
    for _ in range(4):
        bring(node, [10], start=day(-1))
        count(node)
        seen.append(totals(node))
    assert seen == [[], [], [], [46]]


def test_contributors_of_a_release(node: SimulatedNode) -> None:
    """Where contributors count from now on, those of the release count, not later ones."""
    define(node, release_at_period_end=True, aggregation_threshold=2)
    bring(node, [1, 2], start=day(-1), contributors=[1, 1])
    count(node)
    assert totals(node) == [3]
    bring(node, [3], start=day(-1), contributors=[2])
    redefine(node, count_contributors=True)
    count(node)
    assert totals(node) == []


def test_a_withheld_release_is_hidden_among_its_siblings(node: SimulatedNode) -> None:
    """Where one is no more shown, its complement is not shown either."""
    define(node, release_at_period_end=True, suppress_complements=True, aggregation_threshold=2)
    for device, number in (("a", 3), ("b", 8), ("c", 9)):
        bring(node, [1] * number, start=day(-1), groups=(device,))
    count(node)
    bring(node, [1] * 1, start=day(-1), groups=("a",))
    redefine(node, aggregation_threshold=4)
    count(node)
    assert totals(node) == [9]


# Complements and period ends


def test_complements_of_what_was_released(node: SimulatedNode) -> None:
    """They are hidden in all periods, though nothing else has changed there."""
    define(node, release_at_period_end=True, aggregation_threshold=5)
    for start in (day(-9), day(-1)):
        for device, number in (("a", 4), ("b", 6), ("c", 9)):
            bring(node, [1] * number, start=start, groups=(device,))
    count(node)
    assert totals(node) == [6, 9, 6, 9]
    redefine(node, suppress_complements=True)
    count(node)
    assert totals(node) == [9, 9]
    redefine(node, suppress_complements=False)
    count(node)
    assert totals(node) == [6, 9, 6, 9]


def test_period_ends_hold_for_what_everybody_saw(node: SimulatedNode) -> None:
    """What was read before a definition became strict is compared with, and waits for its end."""
    define(node, aggregation_threshold=3)
    bring(node, [1, 2, 3])
    count(node)
    assert totals(node) == [6]
    redefine(node, release_at_period_end=True)
    seen = []
    for _ in range(4):
        bring(node, [100])
        count(node)
        seen.append(totals(node))
        node.clock.jump(86400)
    assert seen == [[], [6], [306], [306]]


def test_what_everybody_saw_under_a_lower_threshold(node: SimulatedNode) -> None:
    """It counts though the threshold was raised before the definition became strict."""
    define(node, aggregation_threshold=2)
    bring(node, [1, 2, 3], start=day(-1))
    count(node)
    redefine(node, aggregation_threshold=4)
    redefine(node, aggregation_threshold=4, release_at_period_end=True)
    bring(node, [10], start=day(-1))
    count(node)
    assert totals(node) == []


def test_strict_and_open_and_strict_again(node: SimulatedNode) -> None:
    """What was open in between is what the next release is compared with."""
    released(node)
    redefine(node, release_at_period_end=False)
    bring(node, [10], start=day(-1))
    count(node)
    assert totals(node) == [16]
    redefine(node, release_at_period_end=True)
    bring(node, [100], start=day(-1))
    count(node)
    assert totals(node) == [16]
    bring(node, [100], start=day(-1))
    count(node)
    assert totals(node) == [216]


# Noise


@pytest.mark.parametrize("strict", [False, True])
def test_what_was_exact_gets_no_noise(node: SimulatedNode, strict: bool) -> None:
    """It is given out no more, with noise neither, and says why; what is new is released."""
    define(node, aggregation_threshold=2, release_at_period_end=strict)
    bring(node, [1, 2, 3], start=day(-1), groups=("old",))
    bring(node, [1], start=day(-1), groups=("small",))
    count(node)
    redefine(node, **NOISY)
    for group in ("small", "old"):
        bring(node, [5] * 3, start=day(-1), groups=(group,))
    count(node)
    assert [(row.groups["group1"], row.noisy) for row in shown(node)] == [("small", True)]
    (refused,) = releasing.refusals(node.parts, definition(node))
    assert (refused.start, refused.reason) == (day(-1), releasing.TOO_EXACT)


@pytest.mark.parametrize(
    ("changes", "stays"),
    [
        pytest.param({"noise_epsilon": 0.25}, False, id="more noise"),
        pytest.param({"most_per_contributor": 2}, False, id="more contributions to hide"),
        pytest.param({"noise_epsilon": 1.0}, True, id="less noise"),
        pytest.param({"noise_epsilon": 1.0, "most_per_contributor": 2}, True, id="just as much"),
        pytest.param({"noise_budget": 3.0}, True, id="a larger budget"),
    ],
)
def test_noise_that_is_changed(node: SimulatedNode, changes: dict[str, Any], stays: bool) -> None:
    """A release with less noise than asked for goes for good; no noise is ever drawn again."""
    released(node, **NOISY)
    before = shown(node)
    redefine(node, **changes)
    count(node)
    assert shown(node) == (before if stays else [])
    assert len(rows(node, BudgetEntry)) == 1


def test_what_was_spent_counts_for_those_who_contribute_more(node: SimulatedNode) -> None:
    """A budget that was enough for two releases is spent by one, if each counts for two now."""
    released(node, **NOISY)
    redefine(node, most_per_contributor=2)
    bring(node, [5] * 3, start=day(-1), groups=("new",))
    count(node)
    assert shown(node) == []
    reasons = [one.reason for one in releasing.refusals(node.parts, definition(node))]
    assert reasons[0] == releasing.TOO_EXACT
    assert "has spent 1 of its privacy budget of 1" in reasons[1]


def test_exact_between_noisy(node: SimulatedNode) -> None:
    """What was made exact in between stays withheld when noise comes back."""
    released(node, **NOISY)
    redefine(node, noise_epsilon=None)
    bring(node, [10] * 2, start=day(-1))
    count(node)
    assert [(row.total, row.noisy) for row in shown(node)] == [(26, False)]
    redefine(node, noise_epsilon=0.5)
    count(node)
    assert shown(node) == []


# Who is at work meanwhile


def test_a_reader_of_old_rules(node: SimulatedNode) -> None:
    """Who read the definition before it changed gets nothing by its old rules."""
    define(node, aggregation_threshold=1)
    bring(node, [1])
    count(node)
    before = definition(node)
    redefine(node, aggregation_threshold=5)
    with pytest.raises(Busy):
        results.aggregates(node.parts, before, *ALL)


def test_a_run_of_old_rules_releases_nothing(node: SimulatedNode) -> None:
    """A run that began before the change leaves releasing to the next one."""
    define(node, release_at_period_end=True, aggregation_threshold=2)
    bring(node, [1, 2, 3], start=day(-1))
    before = definition(node)
    redefine(node, aggregation_threshold=5)
    assert aggregating.run(node.parts, before) == 3
    assert (rows(node, Release), definition(node).last_run) == ([], None)
    assert {cell.pending for cell in rows(node, Cell)} == {True}


def test_periods_of_contributors_stay(node: SimulatedNode) -> None:
    """They are known by period: by another one, who contributed twice would count as two."""
    define(node, aggregation_period=None)
    redefine(node, aggregation_period="week")
    redefine(node, aggregation_period="day")
    bring(node, [1], contributors=[1])
    redefine(node, aggregation_period=None)
    with pytest.raises(InvalidDefinition, match="aggregation_period cannot change"):
        redefine(node, aggregation_period="month")
    count(node)
    with pytest.raises(InvalidDefinition, match="aggregation_period cannot change"):
        redefine(node, aggregation_period="month")


def test_periods_of_budgets_stay(node: SimulatedNode) -> None:
    """What a day has spent would be lost in its month."""
    define(node, **NOISY)
    bring(node, [1], start=day(-1))
    count(node)
    with pytest.raises(InvalidDefinition, match="aggregation_period cannot change"):
        redefine(node, aggregation_period="month")


def test_fingerprints(node: SimulatedNode) -> None:
    """Equal rules have one name; each rule that differs makes another."""
    define(node, aggregation_period="day")
    define(node, "other", org="elsewhere", with_quartiles=True)
    assert fingerprint(definition(node)) == fingerprint(definition(node, "other"))
    names = {fingerprint(definition(node))}
    for rule in RULES:
        values = dict.fromkeys(("noise_epsilon", "noise_budget", "value_min", "value_max"), 0.5)
        changed = definition(node)._asdict() | {rule: values.get(rule, 77)}
        names.add(fingerprint(type("Changed", (), changed)))
    assert len(names) == 1 + len(RULES)
