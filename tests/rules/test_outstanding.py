"""Reading rows as clients write them, and finding the claim each means without guessing."""

from datetime import date, timedelta
from typing import Any

import pytest

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.rules.fleet_list import FileError
from service_desk.rules.identifiers import number_key, our_number
from service_desk.rules.outstanding_columns import Field
from service_desk.rules.outstanding_list import Phase, Said, column_name, read_list
from service_desk.rules.outstanding_match import (
    Change,
    ClaimIndex,
    How,
    KnownClaim,
    Match,
    RowKind,
    change_of,
    differences,
    find,
    is_of_another_plate,
    kind_of,
    plate_key,
    report_keys_to_look_up,
    single_enquiries,
    swapped,
    worth_knowing,
)

DAY = date(2026, 9, 15)


def read(text: str, choices: Any = None) -> tuple[Said, ...]:
    result = read_list(read_workbook(text.encode()), choices)
    assert result.file_error is None
    return result.rows


def known(number: int, plate: str = "豫A12345", day: date = DAY, **values: Any) -> KnownClaim:
    facts: dict[str, Any] = {"is_open": True, "branch_id": 1, "reserve_fen": 5_000_00}
    plates = frozenset({plate, *values.pop("former", ())})
    return KnownClaim(number, f"CLM-2026-{number:06d}", plates, day, **(facts | values))


def said(**values: Any) -> Said:
    return Said(sheet=None, row=2, **values)


def found(
    row: Said, *claims: KnownClaim, vehicles: tuple[str, ...] = ()
) -> tuple[int | None, How | None, set[int]]:
    match = find(row, ClaimIndex(claims, vehicles))
    return match.claim and match.claim.id, match.how, {one.id for one in match.candidates}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-09-15", DAY), ("2026.9.15", DAY), ("2026年9月15日", DAY), ("20260915", DAY), ("26.9.15", DAY),
        ("2026/9/15 14:30", DAY), ("2026年9月15日 下午3时", DAY), ("46280", DAY), ("２０２６－０９－１５", DAY), ("", None),
    ],
)  # fmt: skip
def test_days_are_read_in_the_forms_people_write(written: str, day: date | None) -> None:
    row = read(f"车牌号,立案号,出险日期\n豫A12345,CLM-2026-000001,{written}\n")[0]

    assert (row.loss_on, row.problems) == (day, ())


@pytest.mark.parametrize("written", ["2026年13月1日", "15/9/26/1", "九月", "2026-02-30"])
def test_what_is_no_day_is_a_problem_with_its_cell(written: str) -> None:
    row = read(f"车牌号,立案号,出险日期\n豫A12345,CLM-2026-000001,{written}\n")[0]

    assert [(one.cell, one.code, one.value) for one in row.problems] == [
        ("C2", "list_date_unreadable", written)
    ]
    assert row.claim_no == "CLM-2026-000001"


def test_units_totals_notes_and_blank_rows() -> None:
    rows = read(
        "未决赔案\n\n车牌号,立案号,估损金额(万元),案件状态\n豫A12345（临）,1,1.25,在办\n,,,\n小计,,1.25,\n"
        "豫A12346,2,1.2万,已结案\n备注：以上,,,\n"
    )

    assert [(row.row, row.plate, row.estimate_fen, row.step_fen) for row in rows] == [
        (4, "豫A12345", 12_500_00, 10_000), (7, "豫A12346", None, 10_000),
    ]  # fmt: skip
    assert [one.code for one in rows[1].problems] == ["list_unit_twice"]
    assert [row.phase for row in rows] == [Phase.OPEN, Phase.ENDED]


@pytest.mark.parametrize(
    ("words", "phase"),
    [
        ("未结案", Phase.OPEN),
        ("已结案", Phase.ENDED),
        ("拒赔", Phase.ENDED),
        ("处理中", Phase.OPEN),
        ("定损", None),
        ("", None),
    ],
)
def test_a_state_tells_the_end_only_where_it_leaves_no_doubt(words: str, phase: Phase | None) -> None:
    assert said(state=words).phase is phase


def test_a_person_may_say_which_column_is_which() -> None:
    text = "车牌号,立案号,出险日期,金额\n豫A12345,1,2026-9-15,300\n"

    assert read(text)[0].estimate_fen is None
    assert read(text, {None: {Field.ESTIMATE: 3, Field.LOSS_ON: None}})[0] == said(
        claim_no="1", plate="豫A12345", estimate_fen=300_00
    )
    assert read_list(read_workbook("甲,乙\n1,2\n".encode())).file_error is FileError.HEADER_NOT_FOUND
    assert [column_name(index) for index in (0, 25, 26, 701)] == ["A", "Z", "AA", "ZZ"]


@pytest.mark.parametrize(
    "written",
    ["CLM-2026-000012", "clm2026000012", "CLM-2O26-OOOO12", "C1M-2026-0000I2", "ＣＬＭ－２０２６－０００012"],
)
def test_our_numbers_are_known_however_typed(written: str) -> None:
    assert our_number(written) == "CLM-2026-000012"
    assert number_key(written) == number_key("CLM-2026-000012")


def test_plates_and_neighbours() -> None:
    assert plate_key("豫AO1I45") == "豫A01145"
    assert plate_key("豫O12345") == "豫O12345"
    assert set(swapped("ABBC")) == {"BABC", "ABCB"}


ONE = known(12)
REPORT, REPORT_TYPED = "RDZA202641010000001234", "RDZA202641010000001243"
NUMBERED = known(14, "豫A10001", report_no=REPORT)
SHARED = known(15, "豫A20002", report_no=REPORT)


@pytest.mark.parametrize(
    ("row", "claims", "expected"),
    [
        # By number, with whatever else agrees or is not said.
        (said(claim_no="CLM-2026-000012"), [ONE], (12, How.CLAIM_NO, set())),
        (said(report_no="CLM-2026-000012", plate="豫A12345"), [ONE], (12, How.REPORT_NO, set())),
        (said(claim_no="CLM-2026-000012", plate="豫A99999", loss_on=DAY), [ONE], (12, How.CLAIM_NO, set())),
        (said(claim_no="CLM-2026-000012", plate="豫A99999"), [ONE], (None, None, {12})),
        (said(claim_no="CLM-2026-000012", report_no="CLM-2026-000013"), [ONE, known(13)], (None, None, {12, 13})),
        # Two neighbours of the number changed round: only with something that agrees.
        (said(claim_no="CLM-2026-000021", plate="豫A12345"), [ONE], (12, How.NUMBER_TYPED, set())),
        (said(claim_no="CLM-2026-000021", loss_on=DAY), [ONE], (12, How.NUMBER_TYPED, set())),
        (said(claim_no="CLM-2026-000021"), [ONE], (None, None, {12})),
        (said(claim_no="CLM-2026-000021", plate="豫B77777"), [ONE], (None, None, {12})),
        # By plate and day.
        (said(plate="豫A12345", loss_on=DAY), [ONE], (12, How.PLATE_DATE, set())),
        (said(plate="豫A12345", loss_on=DAY + timedelta(3)), [ONE], (12, How.PLATE_NEAR_DATE, set())),
        (said(plate="豫A12345", loss_on=DAY + timedelta(4)), [ONE], (None, None, set())),
        (said(plate="豫A12345", loss_on=DAY), [ONE, known(13)], (None, None, {12, 13})),
        (said(plate="豫A12345", loss_on=DAY), [ONE, known(13, day=DAY + timedelta(1))], (12, How.PLATE_DATE, set())),
        (said(plate="豫A12345", loss_on=DAY.replace(year=2025)), [ONE], (None, None, {12})),
        (said(plate="豫A12345", loss_on=date(2026, 7, 8)), [known(9, day=date(2026, 8, 7))], (None, None, {9})),
        (said(plate="豫A12345"), [ONE, known(13, is_open=False)], (None, None, {12})),
        # By a plate typed otherwise, or one it had before.
        (said(plate="豫AI2345", loss_on=DAY), [ONE], (12, How.PLATE_DATE, set())),
        (said(plate="豫A99001", loss_on=DAY), [known(12, former=("豫A99001",))], (12, How.PLATE_DATE, set())),
        (said(plate="豫A12354", loss_on=DAY), [ONE], (12, How.PLATE_TYPED, set())),
        (said(plate="豫A12354", loss_on=DAY + timedelta(1)), [ONE], (None, None, {12})),
        (said(plate="豫A12435", loss_on=DAY), [ONE, known(13, "豫A14235")], (None, None, {12, 13})),
        # By the insurer's report number, in either column, however typed.
        (said(report_no="rdza-2026 4101 0000 0012 34"), [NUMBERED], (14, How.REPORT_NO, set())),
        (said(claim_no="RDZA2O264IO1OOOOOO1234"), [NUMBERED, ONE], (14, How.REPORT_NO, set())),
        (said(claim_no="CLM-2026-000014", report_no=REPORT), [NUMBERED], (14, How.REPORT_NO, set())),
        (said(claim_no="CLM-2026-000012", report_no=REPORT), [NUMBERED, ONE], (None, None, {12, 14})),
        (said(report_no=REPORT_TYPED, loss_on=DAY), [NUMBERED], (14, How.NUMBER_TYPED, set())),
        (said(report_no=REPORT_TYPED), [NUMBERED], (None, None, {14})),
        # It may be of all vehicles of an accident: then the plate says which, and without one it is asked.
        (said(report_no=REPORT, plate="豫A20002"), [NUMBERED, SHARED], (15, How.REPORT_NO, set())),
        (said(report_no=REPORT), [NUMBERED, SHARED], (None, None, {14, 15})),
        (said(claim_no="CLM-2026-000015", report_no=REPORT), [NUMBERED, SHARED], (15, How.REPORT_NO, set())),
        # Another vehicle's number on a row with a claim of its own: one of the two is wrong.
        (said(report_no=REPORT, plate="豫A12345", loss_on=DAY), [NUMBERED, ONE], (None, None, {12, 14})),
        (said(report_no=REPORT, plate="豫A12345", loss_on=DAY), [NUMBERED], (14, How.REPORT_NO, set())),
        # Nothing of ours.
        (said(claim_no="CLM-2026-000777", plate="豫C55555", loss_on=DAY), [ONE], (None, None, set())),
    ],
)  # fmt: skip
def test_what_a_row_means(row: Said, claims: list[KnownClaim], expected: tuple[Any, ...]) -> None:
    assert found(row, *claims) == expected


@pytest.mark.parametrize(
    ("day", "written", "typed"),
    [
        (DAY, [1], [1]),
        (DAY + timedelta(3), [1], [1]),
        (DAY + timedelta(15), [1, 2], []),
        (None, [1, 2], []),
    ],
)
def test_of_a_plate_only_claims_near_the_day_are_worth_knowing_or_all(
    day: date | None, written: list[int], typed: list[int]
) -> None:
    row, claims = said(plate="豫A12345", loss_on=day), [(1, DAY), (2, DAY + timedelta(30))]

    assert worth_knowing(row, claims) == written
    assert worth_knowing(row, claims, typed=True) == typed


def test_a_plate_that_a_vehicle_has_is_no_slip_of_the_finger() -> None:
    row = said(plate="豫A12354", loss_on=DAY)

    assert found(row, ONE, vehicles=("豫A12354",)) == (None, None, {12})
    assert find(row, ClaimIndex([ONE]), plate_slips=False) == Match()


@pytest.mark.parametrize(
    ("row", "differs"),
    [
        (said(plate="豫A12345", loss_on=DAY, estimate_fen=5_000_00), []),
        (said(estimate_fen=5_000_99), []),
        (said(estimate_fen=5_001_00), ["estimate"]),
        (said(estimate_fen=5_050_00, step_fen=10_000), []),
        (said(outstanding_fen=5_000_00), ["outstanding"]),
        (said(outstanding_fen=4_000_00), []),
        (said(loss_on=DAY + timedelta(1)), ["loss_on"]),
        (said(state="已结案"), ["state"]),
        (said(plate="豫A99999", claim_no="CLM-2026-000777"), ["claim_no", "plate"]),
        (said(claim_no="PDAA202641010000001"), []),
    ],
)
def test_what_a_row_says_otherwise(row: Said, differs: list[str]) -> None:
    claim = known(12, paid_fen=1_000_00)

    assert [one.what for one in differences(row, claim, None)] == differs


def test_another_report_number_than_ours_differs_and_one_that_we_lack_does_not() -> None:
    def differing(number: str, claim: KnownClaim) -> list[tuple[str, str]]:
        return [(one.what, one.ours) for one in differences(said(report_no=number), claim, None)]

    assert differing("RDZA202641010000009999", NUMBERED) == [("report_no", REPORT)]
    assert differing("rdza 2026 4101 0000 0012 34", NUMBERED) == []
    assert differing("CLM-2026-000014", NUMBERED) == []
    assert differing(REPORT, ONE) == []


def test_the_plates_of_a_row_are_looked_up_where_its_report_number_is_of_another_vehicle() -> None:
    index = ClaimIndex([NUMBERED, ONE])

    assert is_of_another_plate(said(report_no=REPORT, plate="豫A12345"), index)
    assert not is_of_another_plate(said(report_no=REPORT, plate="豫A10001"), index)
    assert not is_of_another_plate(said(report_no=REPORT), index)
    assert not is_of_another_plate(said(claim_no="CLM-2026-000012", plate="豫A10001"), index)


def test_report_numbers_are_looked_up_by_what_they_are_compared_by() -> None:
    row = said(claim_no="CLM-2026-000012", report_no="RDZA-O12")

    assert report_keys_to_look_up(row) == {"RDZA012"}
    assert "RDZA021" in report_keys_to_look_up(row, typed=True)
    assert report_keys_to_look_up(said(plate="豫A12345")) == set()


def test_a_branch_differs_only_where_it_is_known_and_an_ended_claim_is_ended_first() -> None:
    assert [one.what for one in differences(said(branch="x"), ONE, 2)] == ["branch"]
    assert differences(said(branch="x"), ONE, None) == []
    ended = known(12, is_open=False)
    assert kind_of(ended, differences(said(state="未决"), ended, None)) is RowKind.ENDED
    assert kind_of(ONE, differences(said(state="已结案"), ONE, None)) is RowKind.DIFFERS
    assert kind_of(ONE, []) is RowKind.SAME


def test_changes_and_enquiries() -> None:
    before = {"c:1": "surveyed", "c:2": "surveyed"}
    states = [change_of(key, "surveyed", before) for key in ("c:1", "c:3")] + [
        change_of("c:2", "paid", before)
    ]
    assert states == [Change.STILL_OPEN, Change.NEW, Change.MOVED_ON]
    assert single_enquiries([None, 7, None, 8]) == [1, 3]
    assert single_enquiries([7] * 21) == []


def test_five_thousand_rows_cost_the_same_however_many_claims_there_are() -> None:
    """The index answers a row by a few look-ups: no claim is looked at that no number or plate of the row names."""
    looked_at = 0

    class Counting(dict[str, list[KnownClaim]]):
        def get(self, key: str, default: Any = None) -> Any:
            nonlocal looked_at
            looked_at += 1
            return super().get(key, default)

    index = ClaimIndex([known(n, f"豫A{n:05d}") for n in range(1, 3001)])
    index._by_number, index._by_plate = Counting(index._by_number), Counting(index._by_plate)
    assert find(said(claim_no="CLM-2026-000500"), index) == Match(index.by_id[500], How.CLAIM_NO)
    assert looked_at <= 2
    find(said(claim_no="X", plate="豫C00000", loss_on=DAY), index)
    assert looked_at < 30
