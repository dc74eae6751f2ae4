"""New versions of price tables: from the page or a workbook, judged, confirmed once, never touching one that has begun."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.adapters.spreadsheets import workbook_bytes
from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.policies import Policy, RateDraft, RateTable
from service_desk.models.users import User
from service_desk.presenters import price_tables
from service_desk.presenters.labels import LABELS
from service_desk.presenters.languages import in_language
from service_desk.rules.price_sheet import CoverSetRow, values_of
from service_desk.rules.price_sheet.layout import code_of
from service_desk.rules.rating import VehicleFacts
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import policies
from service_desk.services.documents import Upload
from service_desk.services.policies import IssueRequest, LineChoice, quoting, rate_drafts, rates
from service_desk.services.policies.rate_drafts import DraftDetails
from tests.price_sheets import Change, LinesSheet, changed
from tests.world import World

TODAY = date(2026, 11, 23)
NEW_YEAR = date(2027, 1, 1)


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> Iterator[None]:
    rates.install_sample_rates(now=now)
    db.session.commit()
    with in_language("zh"):
        yield


def table_of(line: PolicyLine, on: date = TODAY, account_id: int | None = None) -> rates.PriceTable:
    return rates.in_force(account_id, on)[line]


def ctpl_coach(on: date, account_id: int) -> int:
    return next(
        line.premium_fen
        for line in table_of(PolicyLine.CTPL, on, account_id).lines
        if line.use_class is UseClass.COACH and line.holds(Decimal(45))
    )


def begin(world: World, now: datetime, line: PolicyLine = PolicyLine.CTPL, **details: object) -> int:
    wanted = replace(DraftDetails(NEW_YEAR), **details)  # type: ignore[arg-type]
    return rate_drafts.begin(table_of(line).table.id, wanted, actor=world.admin, now=now)


def raise_all(draft_id: int, world: World, *, more_yuan: int = 100) -> None:
    view = rate_drafts.get_draft(draft_id, actor=world.admin)
    prices = {row_id: str(rate.premium_fen // 100 + more_yuan) for row_id, rate in view.judged.rates.items()}
    rate_drafts.save_prices(draft_id, prices, [], actor=world.admin)


def confirm(draft_id: int, world: World, now: datetime, **options: object) -> int:
    options = {"accepts_holes": False} | options
    made = rate_drafts.confirm(draft_id, actor=world.admin, now=now, **options)  # type: ignore[arg-type]
    db.session.commit()
    return made


def from_workbook(
    world: World,
    now: datetime,
    change: Change,
    *,
    line: PolicyLine = PolicyLine.COMMERCIAL,
    cover_sets: list[tuple[str, str, str]] | None = None,
) -> rate_drafts.DraftView:
    base = table_of(line)
    content = changed(workbook_bytes(price_tables.sheets(base)), change, cover_sets)
    draft_id = rate_drafts.begin(
        base.table.id, DraftDetails(NEW_YEAR), Upload("价格表.xlsx", content), actor=world.admin, now=now
    )
    return rate_drafts.get_draft(draft_id, actor=world.admin)


def test_new_version_prices_from_its_day_on_and_the_old_one_before(world: World, now: datetime) -> None:
    draft_id = begin(world, now)
    raise_all(draft_id, world)
    confirm(draft_id, world, now)
    account = world.account.id
    assert ctpl_coach(date(2026, 12, 31), account) == 4_690_00
    assert ctpl_coach(NEW_YEAR, account) == 4_790_00
    assert db.session.scalar(select(func.count()).select_from(RateDraft)) == 0
    told = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "rates_changed")).one().changes
    assert told["basic coach 36"] == [4_690_00, 4_790_00]


def test_an_accounts_own_version_goes_before_the_general_one(world: World, now: datetime) -> None:
    draft_id = begin(world, now, effective_on=TODAY, for_account_id=world.account.id)
    raise_all(draft_id, world)
    confirm(draft_id, world, now)
    assert ctpl_coach(TODAY, world.account.id) == 4_790_00
    assert ctpl_coach(TODAY, world.foreign_account.id) == 4_690_00


def test_a_downloaded_workbook_sent_back_changes_nothing(world: World, now: datetime) -> None:
    for line in PolicyLine:
        for language in ("zh", "en"):
            base = table_of(line)
            with in_language(language):
                content = workbook_bytes(price_tables.sheets(base))
            draft_id = rate_drafts.begin(
                base.table.id, DraftDetails(NEW_YEAR), Upload("a.xlsx", content), actor=world.admin, now=now
            )
            view = rate_drafts.get_draft(draft_id, actor=world.admin)
            assert list(view.judged.rates.values()) == base.lines
            assert view.is_unchanged
            with pytest.raises(Invalid, match="rates_unchanged"):
                confirm(draft_id, world, now)


def test_prices_and_a_band_changed_in_the_workbook_are_shown_and_made(world: World, now: datetime) -> None:
    def change(sheet: LinesSheet) -> None:
        coach = {"承保方案": "tpl_1m", "使用性质": "公路客运"}
        sheet.set(sheet.row_of(**coach, **{"下限（含）": 36}), **{"年保费（元）": 7000})
        sheet.set(sheet.row_of(**coach, **{"下限（含）": 20}), **{"下限（含）": 24})
        sheet.set(
            sheet.row_of(**coach, **{"下限（含）": 10}), **{"上限（不含）": 24, "年保费（元）": "3,700"}
        )

    view = from_workbook(world, now, change)
    assert [(one.kind, one.premium_before, one.premium_after) for one in price_tables.change_rows(view)] == [
        ("changed", "3,640.00", "3,700.00"),
        ("changed", "5,180.00", "5,180.00"),
        ("changed", "6,540.00", "7,000.00"),
    ]
    confirm(view.draft.id, world, now)
    facts = VehicleFacts(UseClass.COACH, seats=23)
    for day, fen in ((TODAY, 5_180_00), (NEW_YEAR, 3_700_00)):
        quote = quoting.quote(world.account.id, facts, on=day, actor=world.underwriter)
        [priced] = [one for one in quote.lines if one.cover_set == "tpl_1m"]
        assert priced.premium
        assert priced.premium.total_fen == fen
        assert priced.table.effective_on <= day


def test_a_new_cover_set_with_its_names_and_deductibles_is_sold(world: World, now: datetime) -> None:
    def change(sheet: LinesSheet) -> None:
        sheet.add(
            **{
                "承保方案": "vip",
                "使用性质": "公路客运",
                "计量": "座",
                "下限（含）": 6,
                "年保费（元）": 9000,
                "三者险限额": 3_000_000,
                "车损险限额": 780_000,
                "车损险免赔额": 1000,
                "车损险绝对免赔率%": 5,
            }
        )

    view = from_workbook(world, now, change, cover_sets=[("vip", "全面保障", "Full cover")])
    confirm(view.draft.id, world, now)
    price = table_of(PolicyLine.COMMERCIAL, NEW_YEAR)
    assert price.table.cover_set_names["vip"] == {"zh": "全面保障", "en": "Full cover"}
    [line] = [line for line in price.lines if line.cover_set == "vip"]
    assert (line.limits[1].deductible_fen, line.limits[1].absolute_deductible_percent) == (1000_00, 5)
    assert "全面保障" in price_tables.line_words(line)


def test_refused_rows_name_row_field_and_reason_and_keep_what_was_written(
    world: World, now: datetime
) -> None:
    def change(sheet: LinesSheet) -> None:
        sheet.set(5, **{"年保费（元）": -1})
        sheet.set(6, **{"上限（不含）": 2, "使用性质": "飞船"})

    view = from_workbook(world, now, change)
    said = [(one.where, one.field, one.value) for one in price_tables.problem_rows(view)]
    assert said == [
        ("第 5 行", "年保费（元）", "-1"),
        ("第 6 行", "使用性质", "飞船"),
        ("第 6 行", "上限（不含）", "2"),
    ]
    with in_language("en"):
        [first, *_] = price_tables.problem_rows(view)
        assert (first.where, first.field) == ("row 5", "Premium a year (yuan)")
    with pytest.raises(Invalid, match="rate_draft_unsound"):
        confirm(view.draft.id, world, now)


def test_a_refused_row_is_mended_in_the_page(world: World, now: datetime) -> None:
    view = from_workbook(world, now, lambda sheet: sheet.set(5, **{"年保费（元）": -1}))
    row = view.rows[0]
    mended = values_of(table_of(PolicyLine.COMMERCIAL).lines[0]) | {"premium": "2999"}
    with pytest.raises(InvalidMany) as refusal:
        rate_drafts.save_line(view.draft.id, row.id, mended | {"premium": "-2"}, actor=world.admin)
    assert [(one.field, one.code) for one in refusal.value.problems] == [("premium", "price_not_positive")]
    rate_drafts.save_line(view.draft.id, row.id, mended, actor=world.admin)
    confirm(view.draft.id, world, now)
    assert table_of(PolicyLine.COMMERCIAL, NEW_YEAR).lines[0].premium_fen == 2999_00


def test_overlaps_are_refused_naming_both_lines(world: World, now: datetime) -> None:
    view = from_workbook(world, now, lambda sheet: sheet.set(5, **{"上限（不含）": 12}))
    [sentence] = price_tables.overlap_words(view)
    assert "6 座至 12 座以下（第 5 行）" in sentence
    assert "10 座至 20 座以下（第 6 行）" in sentence
    with pytest.raises(Invalid, match="rate_draft_unsound"):
        confirm(view.draft.id, world, now)


def test_holes_must_be_seen(world: World, now: datetime) -> None:
    draft_id = begin(world, now)
    rate_drafts.save_prices(draft_id, {}, [2], actor=world.admin)
    assert len(price_tables.hole_words(rate_drafts.get_draft(draft_id, actor=world.admin))) == 1
    db.session.commit()
    with pytest.raises(Invalid, match="rate_holes_not_seen"):
        confirm(draft_id, world, now)
    db.session.rollback()
    confirm(draft_id, world, now, accepts_holes=True)
    assert len(table_of(PolicyLine.CTPL, NEW_YEAR).lines) == len(table_of(PolicyLine.CTPL).lines) - 1


def test_lines_are_added_and_cover_sets_renamed_in_the_page(world: World, now: datetime) -> None:
    draft_id = begin(world, now, PolicyLine.COMMERCIAL)
    view = rate_drafts.get_draft(draft_id, actor=world.admin)
    sets = [*view.cover_sets, CoverSetRow(0, None, "gold", "金牌", "Gold")]
    sets[0] = replace(sets[0], code="tpl_100", zh="三者一百万")
    rate_drafts.save_cover_sets(draft_id, sets, actor=world.admin)
    values = values_of(view.base.lines[0]) | {"cover_set": "gold", "band_to": ""}
    rate_drafts.save_line(draft_id, None, values, actor=world.admin)
    confirm(draft_id, world, now)
    price = table_of(PolicyLine.COMMERCIAL, NEW_YEAR)
    assert set(price.cover_sets) == {"tpl_100", "tpl_2m", "tpl_1m_od", "gold"}
    assert price.table.cover_set_names["tpl_100"]["zh"] == "三者一百万"


def test_a_code_means_one_thing_in_all_tables(world: World, now: datetime) -> None:
    draft_id = begin(world, now, PolicyLine.CARRIER_LIABILITY)
    rate_drafts.save_cover_sets(
        draft_id, [CoverSetRow(1, None, "tpl_1m", "每座 40 万元", "¥400,000 a seat")], actor=world.admin
    )
    with pytest.raises(Invalid, match="cover_set_named_otherwise"):
        confirm(draft_id, world, now)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, "file_unreadable"),
        ("车牌号,车架号\n豫A12345,\n".encode(), "price_columns_missing"),
        ("方案代码,中文名称,英文名称\nvip,甲,A\n".encode(), "price_columns_missing"),
    ],
)
def test_a_file_that_is_no_price_table_is_refused(
    world: World, now: datetime, content: bytes, code: str
) -> None:
    base = table_of(PolicyLine.CTPL)
    with pytest.raises(Invalid) as refusal:
        rate_drafts.begin(
            base.table.id, DraftDetails(NEW_YEAR), Upload("x.xlsx", content), actor=world.admin, now=now
        )
    assert (refusal.value.code, refusal.value.field) == (code, "file")


def test_a_version_begins_today_at_the_earliest(world: World, now: datetime) -> None:
    with pytest.raises(Invalid, match="rate_starts_in_the_past"):
        begin(world, now, effective_on=TODAY - timedelta(days=1))
    draft_id = begin(world, now, effective_on=TODAY)
    raise_all(draft_id, world)
    with pytest.raises(Invalid, match="rate_starts_in_the_past"):
        confirm(draft_id, world, now + timedelta(days=1))


def test_two_versions_cannot_begin_on_one_day(world: World, now: datetime) -> None:
    first, second = begin(world, now), begin(world, now)
    for draft_id in (first, second):
        raise_all(draft_id, world)
    confirm(first, world, now)
    with pytest.raises(Invalid, match="rate_version_exists"):
        confirm(second, world, now)
    db.session.rollback()
    with pytest.raises(Invalid, match="rate_version_exists"):
        begin(world, now)


def test_two_drafts_for_one_day_confirmed_at_once_make_one_version(
    world: World, app: Flask, now: datetime
) -> None:
    first, second = begin(world, now), begin(world, now)
    for draft_id in (first, second):
        raise_all(draft_id, world)
    admin_id = world.admin.id
    db.session.commit()
    start = threading.Barrier(2)

    def confirm_in_own_session(draft_id: int) -> str:
        with app.app_context():
            start.wait()
            db.session.connection(execution_options={"begin_immediate": True})
            try:
                rate_drafts.confirm(
                    draft_id, accepts_holes=False, actor=db.session.get_one(User, admin_id), now=now
                )
                db.session.commit()
            except Invalid as refusal:
                db.session.rollback()
                return refusal.code
            return "made"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(confirm_in_own_session, (first, second)))
    db.session.rollback()
    assert outcomes == ["made", "rate_version_exists"]
    assert db.session.scalar(select(func.count()).select_from(RateTable)) == 4


def test_a_confirmation_sent_twice_makes_one_version(world: World, now: datetime) -> None:
    draft_id = begin(world, now)
    raise_all(draft_id, world)
    assert confirm(draft_id, world, now, key="k") == confirm(draft_id, world, now, key="k")
    assert db.session.scalar(select(func.count()).select_from(RateTable)) == 4


def test_a_version_not_begun_is_replaced_and_what_it_priced_keeps_its_line(
    world: World, now: datetime
) -> None:
    draft_id = begin(world, now)
    raise_all(draft_id, world)
    first = confirm(draft_id, world, now)
    order = IssueRequest(
        world.account.id, (world.coach.id,), (LineChoice(PolicyLine.CTPL, "basic"),), start_on=NEW_YEAR
    )
    policies.issue_many(order, actor=world.underwriter, now=now)
    db.session.commit()
    again = rate_drafts.begin(first, DraftDetails(NEW_YEAR), actor=world.admin, now=now)
    raise_all(again, world)
    second = confirm(again, world, now)
    assert db.session.get_one(RateTable, first).withdrawn_at == now
    assert ctpl_coach(NEW_YEAR, world.account.id) == 4_890_00
    assert (table_of(PolicyLine.CTPL, NEW_YEAR).table.id, second) == (second, second)
    policy = db.session.scalars(select(Policy)).one()
    assert policy.premium_fen == 4_790_00
    assert policy.rate_line_id in rates.lines_by_id([policy.rate_line_id or 0])


def test_withdrawn_the_version_before_goes_on(world: World, now: datetime) -> None:
    draft_id = begin(world, now)
    raise_all(draft_id, world)
    made = confirm(draft_id, world, now)
    rates.withdraw(made, actor=world.admin, now=now)
    assert ctpl_coach(NEW_YEAR, world.account.id) == 4_690_00
    with pytest.raises(Conflict, match="rate_version_withdrawn"):
        rates.withdraw(made, actor=world.admin, now=now)
    with pytest.raises(Conflict, match="rate_version_withdrawn"):
        rate_drafts.begin(made, DraftDetails(NEW_YEAR), actor=world.admin, now=now)


def test_a_version_that_has_begun_is_never_withdrawn_or_replaced(world: World, now: datetime) -> None:
    draft_id = begin(world, now)
    raise_all(draft_id, world)
    made = confirm(draft_id, world, now)
    replacing = rate_drafts.begin(made, DraftDetails(NEW_YEAR), actor=world.admin, now=now)
    raise_all(replacing, world)
    rate_drafts.save_details(replacing, date(2027, 2, 1), "", actor=world.admin, now=now)
    begun = datetime(2026, 12, 31, 16, 0, tzinfo=now.tzinfo)
    for act in (
        lambda: rates.withdraw(made, actor=world.admin, now=begun),
        lambda: confirm(replacing, world, begun),
    ):
        with pytest.raises(Conflict, match="rate_version_begun"):
            act()
    rates.withdraw(made, actor=world.admin, now=begun - timedelta(seconds=1))


def test_only_the_administrator_makes_versions(world: World, now: datetime) -> None:
    draft_id = begin(world, now)
    table_id = table_of(PolicyLine.CTPL).table.id
    for person in (world.underwriter, world.manager, world.hq):
        for act in (
            lambda: rate_drafts.begin(table_id, DraftDetails(NEW_YEAR), actor=person, now=now),  # noqa: B023
            lambda: rate_drafts.get_draft(draft_id, actor=person),  # noqa: B023
            lambda: rate_drafts.save_prices(draft_id, {}, [1], actor=person),  # noqa: B023
            lambda: rate_drafts.confirm(draft_id, accepts_holes=True, actor=person, now=now),  # noqa: B023
            lambda: rates.withdraw(table_id, actor=person, now=now),  # noqa: B023
        ):
            with pytest.raises(Forbidden):
                act()


def test_another_accounts_table_is_not_found(world: World, now: datetime) -> None:
    draft_id = begin(world, now, for_account_id=world.foreign_account.id)
    raise_all(draft_id, world)
    own = confirm(draft_id, world, now)
    with pytest.raises(NotFound):
        rates.get_table(own, actor=world.underwriter)


def test_words_of_labels_are_understood_in_workbooks(app: Flask) -> None:
    """What a page calls a class in either language, a workbook may call it too."""
    for language in ("zh", "en"):
        with in_language(language):
            for kind, code_kind in (
                ("use_class", "use_class"),
                ("band_measure", "measure"),
                ("limit_per", "per"),
            ):
                said = {code: code_of(code_kind, str(words)) for code, words in LABELS[kind].items()}
                assert said == {code: code for code in said}
