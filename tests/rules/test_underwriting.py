"""How a month's acts add up."""

from service_desk.rules.underwriting import Act, Compared, UnderwritingFigures, figures_by, figures_of
from service_desk.rules.vocabulary import PolicyLine, UseClass

CTPL = PolicyLine.CTPL


def issued(vehicle_id: int, fen: int, *, branch_id: int = 1, tax_fen: int = 0) -> Act:
    return Act(branch_id, UseClass.COACH, CTPL, "basic", fen, tax_fen=tax_fen, vehicle_id=vehicle_id)


def endorsed(fen: int, *, branch_id: int = 1, is_cancellation: bool = False) -> Act:
    return Act(branch_id, UseClass.COACH, CTPL, "basic", fen, is_cancellation=is_cancellation)


def test_premium_written_is_issued_with_what_endorsements_changed_and_no_tax() -> None:
    acts = [
        issued(1, 1000, tax_fen=480),
        issued(1, 500),
        endorsed(-100),
        endorsed(-700, is_cancellation=True),
    ]
    figures = figures_of(acts)
    assert figures == UnderwritingFigures(2, 1, 1500, 1, -100, 1, -700, 480)
    assert figures.written_fen == 700


def test_parts_add_up_to_the_whole() -> None:
    acts = [issued(1, 1000), issued(2, 500, branch_id=2), endorsed(-100, branch_id=2)]
    parts = figures_by(acts, lambda act: act.branch_id)
    assert {key: part.written_fen for key, part in parts.items()} == {1: 1000, 2: 400}
    assert sum(part.written_fen for part in parts.values()) == figures_of(acts).written_fen


def test_a_month_is_compared_by_premium_written_and_not_with_nothing() -> None:
    compared = Compared(figures_of([issued(1, 1150)]), figures_of([issued(2, 1000)]), figures_of([]))
    assert (str(compared.on_month), compared.on_year) == ("15.0", None)
