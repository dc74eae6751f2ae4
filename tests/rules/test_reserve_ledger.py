"""The reserve ledger adds up whatever happens to a claim."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.rules import reserve_ledger as ledger
from service_desk.rules.claim_losses import LossKind
from service_desk.rules.reserve_ledger import Movement, MovementKind, ReserveItem, Roll

K, I = MovementKind, ReserveItem  # noqa: E741 - two letters that read well in tables

amounts = st.integers(0, 5_000_000)
items = st.sampled_from(ReserveItem)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("total"), amounts, items),
        st.tuples(st.just("shift"), st.dictionaries(items, st.integers(-2_000_000, 2_000_000), max_size=3)),
        st.tuples(st.just("pay"), st.integers(1, 2_000_000), st.one_of(st.none(), items)),
        st.tuples(st.just("back"), st.integers(1, 2_000_000)),
        st.tuples(st.just("release")),
        st.tuples(st.just("reopen"), amounts),
    ),
    max_size=14,
)


def play(history: list[tuple]) -> list[Movement]:
    """A claim's life, each step by the rule that the desk uses for it, within what the desk allows."""
    done: list[Movement] = []
    for name, *given_ in history:
        held = ledger.outstanding_after(done)
        paid = Counter({m.item: 0 for m in done})
        for movement in done:
            if movement.kind is K.PAID:
                paid[movement.item] += movement.amount_fen
        if name == "total":
            done += ledger.rebalance(held, ledger.retarget(held, *given_), up=K.INCREASE, down=K.DECREASE)
        elif name == "shift":
            done += ledger.rebalance(held, ledger.shift(held, given_[0]), up=K.INCREASE, down=K.DECREASE)
        elif name == "pay":
            done += ledger.paid_out(held, min(given_[0], sum(held.values())), given_[1])
        elif name == "back":
            done += ledger.paid_back(paid, min(given_[0], sum(paid.values())))
        elif name == "release":
            done += ledger.rebalance(held, {}, up=K.INCREASE, down=K.RELEASED)
        else:
            wanted = ledger.spread(held, given_[0])
            done += ledger.rebalance(held, wanted, up=K.REOPENED, down=K.DECREASE)
    return done


@given(steps, st.integers(0, 40))
def test_the_ledger_adds_up_by_item_and_over_any_period(history: list[tuple], cut: int) -> None:
    movements = play(history)
    before, after = movements[:cut], movements[cut:]

    for item in (*ReserveItem, None):
        opening = sum(m.effect_fen for m in before if item in {m.item, None})
        sums: Counter[MovementKind] = Counter()
        for movement in after:
            if item in {movement.item, None}:
                sums[movement.kind] += movement.amount_fen
        closing = sum(m.effect_fen for m in movements if item in {m.item, None})
        assert ledger.roll(opening, sums).closing_fen == closing
    assert sum(m.amount_fen for m in movements if m.kind is K.DIVIDED) == 0


@given(steps)
def test_nothing_outstanding_is_ever_below_nought(history: list[tuple]) -> None:
    movements = play(history)

    for end in range(len(movements) + 1):
        assert sum(ledger.outstanding_after(movements[:end]).values()) >= 0
    assert all(fen >= 0 for fen in ledger.outstanding_after(movements).values())
    assert all(m.amount_fen > 0 for m in movements if m.kind not in {K.DIVIDED, K.PAID})


@given(st.dictionaries(items, amounts), amounts, items)
def test_a_new_total_is_reached_exactly(held: dict[ReserveItem, int], total: int, item: ReserveItem) -> None:
    for wanted in (ledger.retarget(held, total, item), ledger.spread(held, total)):
        assert sum(wanted.values()) == total


def test_an_estimate_of_the_whole_is_divided_before_the_reserve_grows() -> None:
    held = {I.UNDIVIDED: 800_00}

    wanted = ledger.shift(held, {I.OWN_VEHICLE: 500_00, I.INJURY: 400_00})
    movements = ledger.rebalance(held, wanted, up=K.INCREASE, down=K.DECREASE)

    assert movements == [
        Movement(I.OWN_VEHICLE, K.DIVIDED, 500_00),
        Movement(I.INJURY, K.DIVIDED, 300_00),
        Movement(I.INJURY, K.INCREASE, 100_00),
        Movement(I.UNDIVIDED, K.DIVIDED, -800_00),
    ]


def test_a_decrease_takes_its_own_item_first() -> None:
    held = {I.INJURY: 300_00, I.UNDIVIDED: 100_00, I.FEES: 50_00}

    assert ledger.retarget(held, 120_00, I.INJURY) == {
        I.OWN_VEHICLE: 0,
        I.THIRD_PARTY: 0,
        I.INJURY: 0,
        I.FEES: 50_00,
        I.UNDIVIDED: 70_00,
    }


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (None, {I.OWN_VEHICLE: 200_00, I.INJURY: 100_00}),
        (I.INJURY, {I.OWN_VEHICLE: 150_00, I.INJURY: 150_00}),
        (I.FEES, {I.OWN_VEHICLE: 200_00, I.INJURY: 100_00}),
    ],
)
def test_a_payment_is_of_its_item_or_by_shares(
    item: ReserveItem | None, expected: dict[ReserveItem, int]
) -> None:
    held = {I.OWN_VEHICLE: 300_00, I.INJURY: 150_00}

    movements = ledger.paid_out(held, 300_00, item)

    assert {m.item: m.amount_fen for m in movements} == expected


def test_money_that_came_back_goes_where_it_came_from() -> None:
    back = ledger.paid_back({I.INJURY: 30_00, I.OWN_VEHICLE: 10_00}, 20_00)

    assert {m.item: m.amount_fen for m in back} == {I.OWN_VEHICLE: -5_00, I.INJURY: -15_00}
    assert sum(m.effect_fen for m in back) == 20_00


def test_two_ledgers_of_a_period_make_one() -> None:
    one, other = Roll(100, new_fen=50, paid_fen=30), Roll(10, reopened_fen=5, released_fen=15)

    assert (one + other).closing_fen == one.closing_fen + other.closing_fen == 120


@pytest.mark.parametrize("kind", LossKind)
def test_every_kind_of_loss_has_its_reserve(kind: LossKind) -> None:
    assert ledger.item_of(kind) in ReserveItem
