"""Who may see what, when, and at what price: each rule of a definition."""

from functools import partial
from typing import Any

import pytest
from measures.gathered import (
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

from downstream_node.measures import noise, purging, releasing
from downstream_node.measures.models import BudgetEntry, Cell, Release

NOISY: dict[str, Any] = {
    "noise_epsilon": 0.5,
    "noise_budget": 1.0,
    "value_min": 0.0,
    "value_max": 100.0,
}


def next_day(node: SimulatedNode, days: int = 1) -> None:
    """Let *days* days pass."""
    node.clock.jump(days * 86400)


def counts(node: SimulatedNode) -> list[int]:
    """The counts that readers get."""
    return [row.count for row in shown(node)]


# The threshold


@pytest.mark.parametrize(("contributions", "expected"), [(4, []), (5, [5]), (6, [6])])
def test_threshold(node: SimulatedNode, contributions: int, expected: list[int]) -> None:
    """A result appears with as many contributions as the definition asks for."""
    define(node, aggregation_threshold=5)
    bring(node, [1] * contributions)
    count(node)
    assert counts(node) == expected


def test_threshold_of_contributors(node: SimulatedNode) -> None:
    """One who contributes often counts once, and who gives no name counts for nothing."""
    define(node, aggregation_threshold=3, count_contributors=True)
    bring(node, [1] * 20, contributors=[1, 2] * 10)
    bring(node, [1] * 20)
    count(node)
    assert counts(node) == []
    bring(node, [1], contributors=[3])
    count(node)
    assert counts(node) == [41]


# What is strict stays above the threshold


def test_a_threshold_that_was_raised(node: SimulatedNode) -> None:
    """What was released under a lower one is not shown any more."""
    define(node, aggregation_threshold=2, release_at_period_end=True)
    bring(node, [1, 2, 3])
    next_day(node)
    count(node)
    assert len(shown(node)) == 1
    redefine(node, aggregation_threshold=4)
    assert shown(node) == []


def test_hiding_forgets_no_release(node: SimulatedNode) -> None:
    """A cell that was hidden for another's sake comes back as it was shown, not with one more."""
    define(node, aggregation_threshold=5, release_at_period_end=True, suppress_complements=True)
    for device, value in (("a", 1.0), ("b", 2.0), ("c", 10.0)):
        bring(node, [value] * (6 if device == "c" else 10), groups=(device,))
    next_day(node)
    count(node)
    bring(node, [3.0], groups=("d",))
    count(node)
    assert {row.groups["group1"] for row in shown(node)} == {"a", "b"}
    bring(node, [3.0] * 4, groups=("d",))
    bring(node, [777.0], groups=("c",))
    count(node)
    assert {row.groups["group1"]: row.total for row in shown(node)}["c"] == 60


def test_contributors_in_two_cells_count_once(node: SimulatedNode) -> None:
    """Two hidden cells of the same three people are three people, so a third cell is hidden."""
    define(node, aggregation_threshold=5, count_contributors=True, suppress_complements=True)
    for device, people in (("ok", 50), ("late", 40), ("wrong", 3), ("broken", 3)):
        bring(node, [1.0] * people, groups=(device,), contributors=range(people))
    count(node)
    assert {row.groups["group1"] for row in shown(node)} == {"ok"}


# Period ends


def test_nothing_before_the_period_ends(node: SimulatedNode) -> None:
    """A result of today is released tomorrow, with all that came."""
    define(node, aggregation_threshold=2, release_at_period_end=True)
    bring(node, [1, 2])
    count(node)
    assert shown(node) == []
    bring(node, [3])
    next_day(node)
    count(node)
    assert [(row.count, row.total, row.least, row.greatest) for row in shown(node)] == [
        (3, 6, None, None)
    ]


def test_months_end(node: SimulatedNode) -> None:
    """A result of a month waits for the month's end."""
    define(node, release_at_period_end=True, aggregation_period="month")
    bring(node, [1])
    seen = []
    for _ in range(32):
        count(node)
        seen.append(len(shown(node)))
        next_day(node)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 1)
    assert sum(seen) < 30


@pytest.mark.parametrize("by_contributor", [False, True])
def test_two_answers_cannot_be_subtracted(node: SimulatedNode, by_contributor: bool) -> None:
    """A release is replaced only when as many as the threshold came since."""
    define(
        node,
        aggregation_threshold=3,
        release_at_period_end=True,
        count_contributors=by_contributor,
    )
    seen = []
    for number in range(10):
        bring(node, [1], start=day(-1), contributors=[number])
        count(node)
        seen.append(sum(counts(node)))
    assert seen == [0, 0, 3, 3, 3, 6, 6, 6, 9, 9]


def test_the_same_contributors_replace_nothing(node: SimulatedNode) -> None:
    """Where contributors count, more contributions of the same ones change no release."""
    define(node, aggregation_threshold=2, release_at_period_end=True, count_contributors=True)
    for _ in range(5):
        bring(node, [1, 1], start=day(-1), contributors=[1, 2])
        count(node)
    assert counts(node) == [2]


def test_releases_keep_their_quartiles(node: SimulatedNode) -> None:
    """All the numbers of a released result are of the time of its release."""
    define(node, aggregation_threshold=3, release_at_period_end=True, with_quartiles=True)
    bring(node, [1, 2, 3], start=day(-1))
    count(node)
    before = shown(node)
    bring(node, [50, 60], start=day(-1))
    count(node)
    assert shown(node) == before
    assert before[0].median == 2


def test_releasing_again_does_nothing(node: SimulatedNode) -> None:
    """Without anything new there is no new release."""
    define(node, release_at_period_end=True)
    bring(node, [1], start=day(-1))
    count(node)
    before = rows(node, Release)
    node.clock.jump(60)
    assert releasing.release(node.parts, NAME) == 0
    assert rows(node, Release) == before


def test_only_what_changed_is_looked_at(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run looks at the cells that changed since, and at those whose period has ended."""
    looked: list[list[int]] = []
    original = releasing.release_period

    def watched(*arguments: Any) -> int:
        looked.append(list(arguments[3]))
        return original(*arguments)

    monkeypatch.setattr(releasing, "release_period", watched)
    define(node, release_at_period_end=True, aggregation_threshold=2)
    for number in (-2, -1, 0):
        bring(node, [1, 2], start=day(number))
    count(node)
    count(node)
    bring(node, [1], start=day(-1))
    count(node)
    next_day(node)
    count(node)
    assert looked == [[day(-2)], [day(-1)], [day(-1)], [day(0)]]
    assert not any(cell.pending for cell in rows(node, Cell))


# Complements


def test_complements_are_hidden(node: SimulatedNode) -> None:
    """One group below the threshold takes the smallest other one with it."""
    define(node, aggregation_threshold=5, suppress_complements=True)
    for group, contributions in (("a", 4), ("b", 6), ("c", 9)):
        bring(node, [1] * contributions, groups=(group,))
    count(node)
    assert [row.groups["group1"] for row in shown(node)] == ["c"]
    bring(node, [1], groups=("a",))
    count(node)
    assert counts(node) == [5, 6, 9]


def test_a_small_group_that_comes_later_hides_another(node: SimulatedNode) -> None:
    """Though nothing else has changed, the result beside it is not shown any more."""
    define(node, aggregation_threshold=5, suppress_complements=True)
    bring(node, [1] * 6, groups=("b",))
    bring(node, [1] * 9, groups=("c",))
    count(node)
    assert counts(node) == [6, 9]
    node.clock.jump(60)
    bring(node, [1], groups=("a",))
    count(node)
    assert counts(node) == [9]


def test_a_rule_that_comes_later_holds(node: SimulatedNode) -> None:
    """A definition made strict shows nothing but what is released since."""
    define(node, aggregation_threshold=5)
    for group, contributions in (("a", 4), ("b", 6), ("c", 9)):
        bring(node, [1] * contributions, groups=(group,))
    count(node)
    assert counts(node) == [6, 9]
    redefine(node, suppress_complements=True)
    assert counts(node) == []
    count(node)
    assert counts(node) == [9]


# Noise


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Noise of 0.25, and what was asked for."""
    asked: dict[str, list[Any]] = {"count": [], "sum": []}

    def fake(kind: str, value: float, sensitivity: float, epsilon: float) -> float:
        asked[kind].append((value, sensitivity, epsilon))
        return value + (1 if kind == "count" else 0.25)

    monkeypatch.setattr(noise, "noisy_count", partial(fake, "count"))
    monkeypatch.setattr(noise, "noisy_sum", partial(fake, "sum"))
    return asked


def test_noisy_results(node: SimulatedNode, silent: dict[str, list[Any]]) -> None:
    """Count and sum get noise for half of epsilon each; no other number is given out."""
    define(node, with_quartiles=True, most_per_contributor=3, **NOISY | {"value_min": -200.0})
    bring(node, [-500, 50, 500], start=day(-1))
    count(node)
    assert silent == {"count": [(3, 3, 0.25)], "sum": [(-50, 600, 0.25)]}
    (row,) = shown(node)
    assert (row.count, row.total, row.avg, row.noisy) == (4, -49.75, -49.75 / 4, True)
    others = (row.least, row.greatest, row.std, row.median, row.first_quartile, row.count_not_zero)
    assert set(others) == {None}


def test_noise_is_drawn_once(node: SimulatedNode) -> None:
    """However often and whatever comes later, readers get the same noisy numbers."""
    define(node, aggregation_threshold=2, **NOISY)
    bring(node, [10, 20, 30], start=day(-1))
    count(node)
    before = shown(node)
    assert len(before) == 1
    for _ in range(3):
        bring(node, [10] * 5, start=day(-1))
        count(node)
        assert shown(node) == before
    assert [row.epsilon for row in rows(node, BudgetEntry)] == [0.5]


def test_noise_waits_for_the_end(node: SimulatedNode, silent: dict[str, list[Any]]) -> None:
    """With noise there is one answer, so it is given when the period is over."""
    define(node, **NOISY)
    bring(node, [10, 20])
    count(node)
    assert (shown(node), silent["count"]) == ([], [])
    next_day(node)
    count(node)
    assert counts(node) == [3]


def test_a_period_has_one_price(node: SimulatedNode, silent: dict[str, list[Any]]) -> None:
    """All cells of a period are released for one epsilon, those of the next for another."""
    define(node, aggregation_period="day", **NOISY)
    for start in (day(-2), day(-2) + 3600_000, day(-1)):
        for group in ("a", "b"):
            bring(node, [10], start=start, groups=(group,))
    count(node)
    assert len(silent["count"]) == 6 == len(shown(node))
    assert [(row.start, row.epsilon) for row in rows(node, BudgetEntry)] == [
        (day(-2), 0.5),
        (day(-1), 0.5),
    ]


def test_the_budget_holds(node: SimulatedNode, silent: dict[str, list[Any]]) -> None:
    """A period has its budget's worth of releases; further ones are refused with the reason."""
    define(node, **NOISY)
    for group in ("a", "b", "c", "d"):
        bring(node, [10], start=day(-1), groups=(group,))
        count(node)
    assert [row.groups["group1"] for row in shown(node)] == ["a", "b"]
    assert len(silent["count"]) == 2 == len(rows(node, BudgetEntry))
    refused = releasing.refusals(node.parts, definition(node))
    assert [(one.start, one.refused) for one in refused] == [(day(-1), node.clock.wall)] * 2
    assert refused[0].reason == (
        "Its period has spent 1 of its privacy budget of 1, and this release would cost 0.5."
    )


def test_refusals_are_stored_once(node: SimulatedNode, silent: dict[str, list[Any]]) -> None:
    """What was refused by the rules of now is not refused anew, though its cell goes on."""
    define(node, **NOISY | {"noise_budget": 0.5})
    for group in ("a", "b"):
        bring(node, [10], start=day(-1), groups=(group,))
        count(node)
    before = rows(node, Release)
    node.clock.jump(60)
    bring(node, [10], start=day(-1), groups=("b",))
    count(node)
    assert rows(node, Release) == before
    assert len(silent["count"]) == 1


def test_a_larger_budget_allows_more(node: SimulatedNode, silent: dict[str, list[Any]]) -> None:
    """What was refused is released when the operator grants more, and is refused no longer."""
    define(node, **NOISY | {"noise_budget": 0.5})
    for group in ("a", "b"):
        bring(node, [10], start=day(-1), groups=(group,))
        count(node)
    assert len(shown(node)) == 1
    redefine(node, noise_budget=1.0)
    count(node)
    assert len(shown(node)) == 2 == len(silent["sum"])
    assert releasing.refusals(node.parts, definition(node)) == []


def test_purged_values_cannot_be_bounded(node: SimulatedNode, silent: dict[str, list[Any]]) -> None:
    """A cell whose values were out of bounds and are gone is refused, and no other."""
    define(node, aggregation_threshold=3)
    bring(node, [10, 20], start=day(-1), groups=("within",))
    bring(node, [10, 500], start=day(-1), groups=("without",))
    count(node)
    purging.purge(node.parts, NAME, 0)
    redefine(node, aggregation_threshold=1, **NOISY)
    count(node)
    assert [row.groups["group1"] for row in shown(node)] == ["within"]
    (refused,) = releasing.refusals(node.parts, definition(node))
    assert refused.reason == releasing.OUT_OF_BOUNDS
    assert silent["sum"] == [(30, 100, 0.25)]


def test_a_release_and_its_price_go_together(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where storing fails nothing is spent, and nothing has been shown."""
    define(node, **NOISY)
    bring(node, [10], start=day(-1))
    with monkeypatch.context() as patch:
        patch.setattr(releasing, "store", interrupted)
        with pytest.raises(KeyboardInterrupt):
            count(node)
    assert (rows(node, BudgetEntry), shown(node)) == ([], [])
    count(node)
    assert len(rows(node, BudgetEntry)) == 1 == len(shown(node))


def interrupted(*_arguments: object) -> None:
    """End as a process does that is killed here."""
    raise KeyboardInterrupt


def test_the_library_draws_noise() -> None:
    """It is spread as asked for: half of all draws are within ln 2 times the scale."""
    draws = [noise.noisy_sum(1000.0, 10.0, 0.5) - 1000 for _ in range(2000)]
    near = sum(abs(draw) <= 20 * 0.6931 for draw in draws)
    assert 850 < near < 1150
    assert abs(sum(draws) / 2000) < 5
    assert len({noise.noisy_count(100, 1, 0.1) for _ in range(50)}) > 5


def test_the_library_keeps_the_price() -> None:
    """By its own account the noise costs no more than it was asked to."""
    assert noise.measurement(float, 30.0, 0.25).map(30.0) <= 0.25
    assert noise.measurement(int, 3, 0.25).map(3) <= 0.25
