"""Lists of outstanding claims from the hand-in to the answer, on the files that are kept as clients send them."""

import hashlib
import io
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import event, select

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.base.clock import CHINA, local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.notices import Notice
from service_desk.models.outstanding import ListState, OutstandingList, OutstandingRow
from service_desk.models.sla import Timer, TimerState
from service_desk.presenters import outstanding as words
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.identifiers import number_key
from service_desk.rules.outstanding_columns import Field
from service_desk.rules.outstanding_list import read_list
from service_desk.rules.outstanding_match import Change, RowKind
from service_desk.services import accounts, documents
from service_desk.services.claims import common, outstanding
from service_desk.services.claims.outstanding import Asked
from service_desk.services.claims.outstanding.knowing import match_rows
from service_desk.services.documents import Upload
from tests.claim_cases import file_store
from tests.outstanding_cases import (
    FIRST_ROW,
    GBK,
    SIXTY,
    build_claims,
    claim_no,
    loss_day,
    plate_of,
    sixty_rows,
)
from tests.world import World

SHEET = "2026年未决"
LIST = Upload("未决清单11月.xlsx", SIXTY.read_bytes())


@pytest.fixture
def claims(world: World, now: datetime) -> list[Claim]:
    return build_claims(world, now)


def hand_in(world: World, now: datetime, upload: Upload = LIST, actor: Any = None) -> OutstandingList:
    made = outstanding.hand_in(upload, world.account.id, files=file_store(), actor=actor or world.hq, now=now)
    db.session.commit()
    return made


def rows_of(listed: OutstandingList) -> list[OutstandingRow]:
    return [row for row, _enquiry in outstanding.all_rows(listed) if row.row_no is not None]


def write(app: Any, world: World, now: datetime) -> outstanding.Answer:
    """The page's writer, as a request would call it."""

    def call(listed: OutstandingList, rows: Sequence[Any], content: bytes) -> tuple[bytes, str]:
        branches = accounts.list_branches(world.account.id, actor=world.claims1)
        with app.test_request_context():
            return words.answer_file(listed, rows, content, branches, now, "zh")

    return call


def answer_all(world: World, listed: OutstandingList, now: datetime) -> None:
    """Say of every unsure row that the first claim asked about is meant; of the last that none is."""
    unsure = [row for row in rows_of(listed) if row.kind is RowKind.UNSURE]
    said = {(row.sheet, row.row_no or 0): row.candidates[0] for row in unsure}
    said[unsure[-1].sheet, unsure[-1].row_no or 0] = 0
    outstanding.decide(listed.number, Asked(said), files=file_store(), actor=world.hq, now=now)
    db.session.commit()


def test_every_one_of_sixty_rows_comes_to_what_it_should(
    world: World, claims: list[Claim], now: datetime
) -> None:
    listed = hand_in(world, now)
    numbers = {claim.id: index for index, claim in enumerate(claims, start=1)}

    found = [
        (
            row.row_no,
            row.kind.value,
            row.how.value if row.how else "",
            tuple(one["what"] for one in row.differs),
            "".join(one["code"] for one in row.problems),
            numbers.get(row.claim_id or 0, 0),
        )
        for row in rows_of(listed)
    ]
    expected = [
        (FIRST_ROW + index, row.kind, row.how, row.differs, row.problem, row.means if row.how else 0)
        for index, row in enumerate(sixty_rows())
    ]
    assert found == expected
    cells = [problem["cell"] for row in rows_of(listed) for problem in row.problems]
    first = next(index for index, row in enumerate(sixty_rows()) if row.problem)
    assert cells[0] == f"E{FIRST_ROW + first}"


def test_the_first_row_tells_where_our_claim_stands_and_who_has_it(
    world: World, claims: list[Claim], now: datetime
) -> None:
    listed = hand_in(world, now)

    standing = rows_of(listed)[0].standing
    assert (standing["number"], standing["state"], standing["owner"], standing["staff_no"]) == (
        claim_no(4), "surveyed", world.claims1.name, world.claims1.staff_no,
    )  # fmt: skip
    assert standing["estimate_fen"] == 1_400_00
    assert rows_of(listed)[-1].same_as == f"{SHEET}!{FIRST_ROW + 1}"
    ours = [row for row, _none in outstanding.all_rows(listed) if row.kind is RowKind.ONLY_OURS]
    # Claims that rows are sure or asked about are not said to be missing in the list.
    assert {row.standing["number"] for row in ours} == set()


def test_a_term_in_days_is_due_on_its_last_day_not_at_the_midnight_after_it(
    app: Any, world: World, claims: list[Claim], now: datetime
) -> None:
    common.start_clock(claims[3], ClockStep.LIABILITY_DECISION, at=now, actor=world.claims1, now=now)
    db.session.commit()

    listed = hand_in(world, now)

    row = rows_of(listed)[0]
    ends_at = datetime.fromisoformat(row.standing["next_at"]).astimezone(CHINA)
    assert (ends_at.hour, ends_at.minute) == (0, 0)
    last_day = (local_date(now) + timedelta(days=30)).isoformat()
    with app.test_request_context():
        assert words.RowWords(listed, {}).shown(row, None).next_due.startswith(last_day)


def test_handing_in_starts_a_clock_and_tells_an_owner_and_the_same_file_is_the_same_list(
    world: World, claims: list[Claim], now: datetime
) -> None:
    listed = hand_in(world, now)
    again = hand_in(world, now + timedelta(hours=1), Upload("另一个名字.xlsx", LIST.content), world.claims2)

    assert again.id == listed.id
    clock = db.session.scalars(select(Timer).where(Timer.step == ClockStep.OUTSTANDING_LIST)).one()
    assert (clock.matter_number, clock.state, clock.holder_id) == (
        listed.number,
        TimerState.RUNNING,
        listed.owner_id,
    )
    assert listed.owner_id in {world.claims1.id, world.claims2.id}
    notice = db.session.scalars(select(Notice).where(Notice.kind == "outstanding_handed_in")).first()
    assert notice is not None
    assert (notice.params["rows"], notice.params["questions"]) == (60, 7)
    kept = documents.get_document(listed.document_id, actor=world.hq)
    assert kept.sha256 == hashlib.sha256(LIST.content).hexdigest() == listed.file_sha256


def test_unsure_rows_are_asked_and_answers_are_kept_and_can_be_taken_back(
    world: World, claims: list[Claim], now: datetime
) -> None:
    listed = hand_in(world, now)
    first = next(row for row in rows_of(listed) if row.kind is RowKind.UNSURE)
    place, candidates = (first.sheet, first.row_no or 0), list(first.candidates)
    assert len(candidates) == 2

    def kind_after(answer: int | None) -> tuple[str, int | None]:
        outstanding.decide(listed.number, Asked({place: answer}), files=file_store(), actor=world.hq, now=now)
        db.session.commit()
        row = next(one for one in rows_of(listed) if one.row_no == place[1])
        return row.kind.value, row.claim_id

    assert kind_after(candidates[1]) == ("same", candidates[1])
    assert listed.decisions == [[*place, candidates[1], world.hq.id, now.isoformat()]]
    outstanding.choose_columns(
        listed.number, {SHEET: {Field.ESTIMATE: None}}, files=file_store(), actor=world.claims1, now=now
    )
    assert not any(row.said["estimate_fen"] for row in rows_of(listed))
    assert kind_after(0) == ("not_ours", None)
    assert kind_after(None) == ("unsure", None)
    with pytest.raises(Invalid, match="nothing_answered"):
        kind_after(None)
    with pytest.raises(Invalid, match="not_a_candidate"):
        kind_after(claims[30].id)
    with pytest.raises(Conflict, match="stale"):
        outstanding.decide(
            listed.number,
            Asked({place: 0}),
            files=file_store(),
            actor=world.hq,
            now=now,
            version=listed.version - 1,
        )


def test_the_answer_goes_out_once_in_their_layout_with_enquiries_for_what_we_lack(
    app: Any, world: World, claims: list[Claim], now: datetime
) -> None:
    listed = hand_in(world, now)
    release: Callable[..., Any] = outstanding.release
    common = {"files": file_store(), "now": now + timedelta(hours=5)}
    with pytest.raises(Invalid, match="questions_open"):
        release(listed.number, write(app, world, now), actor=world.claims1, **common)
    db.session.rollback()
    answer_all(world, listed, now)
    with pytest.raises(Forbidden):
        release(listed.number, write(app, world, now), actor=world.hq, **common)
    release(listed.number, write(app, world, now), actor=world.claims1, version=listed.version, **common)
    db.session.commit()

    assert listed.state is ListState.RELEASED
    with pytest.raises(Conflict, match="outstanding_released"):
        release(listed.number, write(app, world, now), actor=world.claims1, **common)
    clock = db.session.scalars(select(Timer).where(Timer.step == ClockStep.OUTSTANDING_LIST)).one()
    assert clock.state is TimerState.MET
    told = db.session.scalars(
        select(Notice.recipient_name).where(Notice.kind == "outstanding_answered").order_by(Notice.id)
    )
    assert set(told) == {world.hq.name}

    lacking = [
        (row, enquiry) for row, enquiry in outstanding.all_rows(listed) if row.kind is RowKind.NOT_OURS
    ]
    assert all(enquiry is not None and enquiry.owner_id == world.claims1.id for _row, enquiry in lacking)
    of_vehicles = {row.said["plate"]: enquiry for row, enquiry in lacking if row.vehicle_id}
    assert {plate_of(20), plate_of(22)} <= set(of_vehicles)
    assert of_vehicles[plate_of(20)].vehicle_id is not None
    assert len({enquiry.id for row, enquiry in lacking if not row.vehicle_id and enquiry}) == 1
    clocks = db.session.scalars(
        select(Timer).where(Timer.step == ClockStep.FIRST_REPLY, Timer.matter_kind == "enquiry")
    ).all()
    assert {clock.matter_id for clock in clocks} == {enquiry.id for _row, enquiry in lacking if enquiry}

    content, name = outstanding.answer_file(listed, files=file_store())
    assert name == f"未决清单11月-{listed.number}.xlsx"
    assert hashlib.sha256(content).hexdigest() == listed.answer_sha256
    check_answer(content, [enquiry for _row, enquiry in lacking])
    audited = set(db.session.scalars(select(AuditEntry.action)))
    assert audited >= {"outstanding_list_handed_in", "outstanding_rows_decided", "outstanding_list_answered"}


def check_answer(content: bytes, enquiries: Sequence[Enquiry | None]) -> None:
    """Their sheet is as it was, cell for cell; ours stand behind; nothing is a formula."""
    sent = openpyxl.load_workbook(io.BytesIO(LIST.content))[SHEET]
    book = openpyxl.load_workbook(io.BytesIO(content))
    back = book[SHEET]
    assert [str(one) for one in back.merged_cells.ranges] == [str(one) for one in sent.merged_cells.ranges]
    for theirs in sent.iter_rows():
        for cell in theirs:
            assert back[cell.coordinate].value == cell.value, cell.coordinate
    assert back.cell(4, 9).value == "我方核对结果"
    assert [back.cell(FIRST_ROW, column).value for column in (9, 11, 13)] == ["一致", claim_no(4), "王建军"]
    assert back.cell(FIRST_ROW, 19).value == 1_400
    numbers = {back.cell(row, 23).value for row in range(FIRST_ROW, FIRST_ROW + 60)} - {None, ""}
    assert numbers == {enquiry.number for enquiry in enquiries if enquiry}
    assert all(cell.data_type != "f" for page in book for row in page.iter_rows() for cell in row)
    assert book.sheetnames[1:] == ["图例", "仅我方有"]


def test_a_csv_in_gbk_comes_back_as_csv_without_anything_that_runs(
    app: Any, world: World, claims: list[Claim], now: datetime
) -> None:
    listed = hand_in(world, now, Upload("未决.csv", GBK.read_bytes()))
    assert [(row.row_no, row.kind.value, row.how and row.how.value) for row in rows_of(listed)] == [
        (2, "same", "plate_date"), (3, "differs", "plate_date"), (4, "same", "report_no"),
    ]  # fmt: skip

    outstanding.release(
        listed.number, write(app, world, now), files=file_store(), actor=world.claims1, now=now
    )
    content, name = outstanding.answer_file(listed, files=file_store())
    lines = content.decode("utf-8-sig").splitlines()

    assert name.endswith(".csv")
    assert lines[0].startswith("单位,车号,事故日期,未决金额,报案编号,说明事项,我方核对结果")
    assert lines[1].startswith("巩义客运分公司,豫A·20557,2026/9/6,1500,,")
    assert "\"'=cmd|" in lines[2]
    assert not any(cell.startswith(("=", "@")) for line in lines for cell in line.split(","))
    assert f"{claim_no(4)},豫A·20457" in content.decode("utf-8-sig")


def test_the_next_list_shows_what_is_new_gone_still_open_and_moved_on(
    world: World, claims: list[Claim], now: datetime
) -> None:
    head = "车牌号,立案号,出险日期\n"

    def listing(*which: int) -> Upload:
        lines = "".join(f"{plate_of(n)},{claim_no(n)},\n" for n in which)
        return Upload("list.csv", (head + lines).encode())

    first = hand_in(world, now, listing(4, 5, 6))
    assert {row.change for row in rows_of(first)} == {None}
    claims[4].state = ClaimState.ASSESSED
    db.session.commit()
    second = hand_in(world, now + timedelta(days=7), listing(5, 6, 7))

    assert second.previous_id == first.id
    assert [row.change for row in rows_of(second)] == [Change.MOVED_ON, Change.STILL_OPEN, Change.NEW]
    gone = outstanding.gone_rows(second, PageRequest())
    assert [row.claim_id for row, _none in gone.rows] == [claims[3].id]
    assert outstanding.progress_of(second).gone == 1
    assert len(outstanding.list_lists(world.account.id, PageRequest(), actor=world.hq).rows) == 2


def test_what_one_row_brings_in_does_not_make_another_row_sure(
    world: World, claims: list[Claim], now: datetime
) -> None:
    """Only what a row may mean is looked up: by a plate the claims near its day, or all where none is near."""
    slip = f"{plate_of(1)[:-2]}{plate_of(1)[-1]}{plate_of(1)[-2]}"
    lines = (
        f"{plate_of(1)},{claim_no(1)},{loss_day(1)}",
        # Claims 1 and 41 are of one day; the row above named only one of them.
        f"{slip},ABC1,{loss_day(1)}",
        f"{plate_of(2)},,{loss_day(60) + timedelta(1)}",
        f"{plate_of(3)},,{loss_day(3).replace(year=2025)}",
        f"{plate_of(3)},,",
    )
    content = "\n".join(("车牌号,立案号,出险日期", *lines)).encode()
    listed = hand_in(world, now, Upload("list.csv", content))

    numbers = {claim.id: index for index, claim in enumerate(claims, start=1)}
    assert [
        (row.kind, row.claim_id and numbers[row.claim_id], sorted(numbers[one] for one in row.candidates))
        for row in rows_of(listed)
    ] == [
        (RowKind.SAME, 1, []),
        (RowKind.UNSURE, None, [1, 41]),
        (RowKind.DIFFERS, 42, []),
        (RowKind.UNSURE, None, [3]),
        (RowKind.UNSURE, None, [3, 43]),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xd8\xff\xe0 a picture", "file_unreadable"),
        (b"", "file_empty"),
        ("甲,乙,丙\n1,2,3\n".encode(), "outstanding_header_not_found"),
        ("车牌号,立案号,出险日期\n合计,,\n".encode(), "outstanding_no_rows"),
    ],
)
def test_a_file_that_is_no_list_is_refused_and_leaves_nothing(
    world: World, now: datetime, content: bytes, code: str
) -> None:
    with pytest.raises(Invalid, match=code):
        hand_in(world, now, Upload("x.xlsx", content))
    db.session.rollback()
    assert db.session.scalars(select(OutstandingList)).all() == []


def test_only_claims_staff_and_the_groups_own_insurance_department_see_lists(
    world: World, claims: list[Claim], now: datetime
) -> None:
    listed = hand_in(world, now)

    for actor in (world.safety_gongyi, world.underwriter):
        with pytest.raises(Forbidden):
            outstanding.get_list(listed.number, actor=actor)
        with pytest.raises(Forbidden):
            hand_in(world, now, Upload("y.csv", GBK.read_bytes()), actor)
    with pytest.raises(NotFound):
        outstanding.get_list(listed.number, actor=world.foreign_hq)
    with pytest.raises(NotFound):
        hand_in(world, now, Upload("y.csv", GBK.read_bytes()), world.foreign_hq)
    with pytest.raises(NotFound):
        documents.get_document(listed.document_id, actor=world.safety_gongyi)
    assert outstanding.get_list(listed.number, actor=world.manager).id == listed.id


def test_rows_are_found_by_the_insurers_report_number_and_asked_where_it_is_another_vehicles(
    world: World, claims: list[Claim], now: datetime
) -> None:
    """4 and 5 were reported together and share a number; 6 was in it too, and nobody entered it there."""
    shared, own = "RDZA202641010000001234", "RDZA202641010000005678"
    for claim, number in ((claims[3], shared), (claims[4], shared), (claims[6], own)):
        claim.report_no, claim.report_key = number, number_key(number)
    db.session.commit()
    day = loss_day(6).isoformat()
    text = (
        "车牌号,报案号,立案号,出险日期\n"
        f"{plate_of(5)},rdza-2026 4101 0000 0012 34,,\n"
        f",{shared},,\n"
        f",,RDZA2O264IO1OOOOOO5678,\n"
        f"{plate_of(7)},RDZA202641010000005687,,\n"
        f"{plate_of(6)},{shared},,{day}\n"
        f"{plate_of(7)},RDZA202641010000999999,,{loss_day(7).isoformat()}\n"
    )

    rows = rows_of(hand_in(world, now, Upload("报案号.csv", text.encode())))

    numbers = {claim.id: index for index, claim in enumerate(claims, start=1)}
    found = [
        (
            numbers.get(row.claim_id or 0, 0),
            row.how.value if row.how else "",
            [numbers[one] for one in row.candidates],
            [one["what"] for one in row.differs],
        )
        for row in rows
    ]
    assert found == [
        (5, "report_no", [], []),
        (0, "", [4, 5], []),
        (7, "report_no", [], []),
        (7, "number_typed", [], ["report_no"]),
        (0, "", [4, 5, 6], []),
        (7, "plate_date", [], ["report_no"]),
    ]


def test_report_numbers_cost_a_list_one_statement_and_one_without_them_none(
    world: World, claims: list[Claim], now: datetime
) -> None:
    def asked(text: str) -> list[str]:
        statements: list[str] = []

        def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            statements.append(statement)

        rows = read_list(read_workbook(text.encode())).rows
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            match_rows(world.account.id, rows)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return [one for one in statements if "report_key IN" in one]

    claims[3].report_no = claims[3].report_key = "RDZA202641010000001234"
    db.session.commit()
    head = "车牌号,报案号,立案号,出险日期\n"
    with_numbers = head + "".join(f"{plate_of(4)},RDZA202641010000001234,,\n" for _row in range(40))

    assert len(asked(with_numbers)) == 1
    assert asked(head + f"{plate_of(4)},,{claim_no(4)},\n") == []
