"""Quote sheets: what they say of each vehicle, how long their prices hold, and issuing from them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.models.db import db
from service_desk.models.fleet import VehicleState
from service_desk.models.policies import IssueBatch, Policy, QuoteLine, QuoteSheet
from service_desk.models.premiums import Receivable
from service_desk.rules.price_sheet import FloatRow
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import exports, policies
from service_desk.services.policies import (
    IssueRequest,
    LineChoice,
    VehicleTerms,
    held_prices,
    quote_queries,
    quote_sheets,
    rate_drafts,
    rates,
)
from service_desk.services.policies.planning import MOST_VEHICLES
from service_desk.services.policies.quote_queries import FleetPart, QuotedVehicle, SheetFilter, SheetView
from service_desk.services.policies.quote_sheets import QuoteRequest
from service_desk.services.policies.rate_drafts import DraftDetails
from tests.factories import PolicyFactory, VehicleFactory
from tests.world import World

TODAY = date(2026, 11, 23)
CTPL = LineChoice(PolicyLine.CTPL, "basic")
COMMERCIAL = LineChoice(PolicyLine.COMMERCIAL, "tpl_1m")
CARRIER = LineChoice(PolicyLine.CARRIER_LIABILITY, "seat_400k")


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    db.session.commit()


def make(world: World, now: datetime, *vehicles: Any, **changes: Any) -> str:
    chosen = vehicles or (world.coach, world.bus, world.truck)
    request = QuoteRequest(
        world.account.id, tuple(vehicle.id for vehicle in chosen), (CTPL, COMMERCIAL, CARRIER)
    )
    number = quote_sheets.make(replace(request, **changes), actor=world.underwriter, now=now)
    db.session.commit()
    return number


def view_of(number: str, world: World, now: datetime) -> SheetView:
    return quote_queries.get_sheet(number, None, actor=world.underwriter, now=now)


def lines_of(number: str, world: World, now: datetime) -> dict[tuple[int, PolicyLine], QuoteLine]:
    view = view_of(number, world, now)
    return {(line.vehicle_id, line.line): line for one in view.page.rows for line in one.lines}


def order(world: World, number: str, *lines: LineChoice, **changes: Any) -> IssueRequest:
    ids = quote_sheets.priced_vehicle_ids(number, actor=world.underwriter)
    request = IssueRequest(world.account.id, ids, lines or (CTPL, COMMERCIAL, CARRIER), quote_number=number)
    return replace(request, **changes)


def raise_prices(world: World, now: datetime, on: date = TODAY) -> None:
    """A new version of the CTPL table in which all costs 100 yuan more."""
    base = rates.in_force(None, on)[PolicyLine.CTPL]
    draft_id = rate_drafts.begin(base.table.id, DraftDetails(on), actor=world.admin, now=now)
    prices = {
        row_id: str(rate.premium_fen // 100 + 100)
        for row_id, rate in rate_drafts.get_draft(draft_id, actor=world.admin).judged.rates.items()
    }
    rate_drafts.save_prices(draft_id, prices, [], actor=world.admin)
    rate_drafts.confirm(draft_id, accepts_holes=False, actor=world.admin, now=now)
    db.session.commit()


def test_a_sheet_says_what_each_vehicle_costs_and_which_line_says_so(world: World, now: datetime) -> None:
    number = make(world, now, title="续保报价")
    assert number == "QUO-2026-000001"
    view = view_of(number, world, now)
    lines = lines_of(number, world, now)
    coach = lines[world.coach.id, PolicyLine.CTPL]
    assert (coach.base_fen, coach.premium_fen, coach.ctpl_float, coach.tax_fen) == (4690_00, 4690_00, "A4", 0)
    by = view.page.rows[0].priced_by[coach.rate_line_id or 0]
    assert (by.rate.premium_fen, by.table.name) == (4690_00, "交强险基础费率")
    assert lines[world.coach.id, PolicyLine.CARRIER_LIABILITY].premium_fen == 45 * 62_00
    # A lorry carries nobody for money: no line of carrier's liability, and no refusal either.
    assert (world.truck.id, PolicyLine.CARRIER_LIABILITY) not in lines
    assert view.sheet.valid_until == TODAY + timedelta(days=15)
    assert view.sheet.premium_fen == sum(line.premium_fen or 0 for line in lines.values())
    assert sum(total.premium_fen for total in view.by_line.values()) == view.sheet.premium_fen
    assert sum(total.premium_fen for total in view.by_branch.values()) == view.sheet.premium_fen
    assert set(view.by_branch) == {world.coach.branch_id, world.bus.branch_id, world.truck.branch_id}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"seats": None}, "seats_missing"),
        ({"use_class": None}, "no_use_class"),
        ({"seats": 5}, "no_rate"),
        ({"state": VehicleState.RETIRED}, "vehicle_retired"),
        ({"use_class": UseClass.GOODS}, "load_missing"),
    ],
)
def test_why_a_vehicle_is_not_priced(world: World, now: datetime, values: dict[str, Any], code: str) -> None:
    strange = VehicleFactory(branch=world.gongyi, **values)
    number = make(world, now, strange, lines=(CTPL,))
    [line] = lines_of(number, world, now).values()
    assert (line.refusal, line.premium_fen, line.rate_line_id) == (code, None, None)
    assert view_of(number, world, now).sheet.refused_count == 1


def test_vehicles_read_in_portions_are_the_whole_sheet(world: World, now: datetime) -> None:
    number = make(world, now)
    whole = view_of(number, world, now).page

    def read(page: PageRequest) -> Page[QuotedVehicle]:
        return quote_queries.list_vehicles(number, page, actor=world.underwriter)

    assert whole.total == len(whole.rows) > 2
    for size in (1, 2, 3):
        rows = list(exports.in_portions(read, portion=size))
        assert [one.lines for one in rows] == [one.lines for one in whole.rows]
        for one in rows:
            assert {line.rate_line_id for line in one.lines} <= one.priced_by.keys()
    for stranger in (world.foreign_hq, world.safety_gongyi):
        with pytest.raises((Forbidden, NotFound)):
            quote_queries.list_vehicles(number, PageRequest(), actor=stranger)


def test_a_term_is_priced_by_the_version_of_its_first_day(world: World, now: datetime) -> None:
    ends_at = datetime(2026, 12, 31, 16, 0, tzinfo=now.tzinfo)
    PolicyFactory(vehicle=world.coach, issued_by=world.underwriter, starts_at=ends_at - timedelta(days=365))
    raise_prices(world, now, date(2027, 1, 1))
    lines = lines_of(make(world, now, world.coach, world.bus, lines=(CTPL,)), world, now)
    coach, bus = lines[world.coach.id, PolicyLine.CTPL], lines[world.bus.id, PolicyLine.CTPL]
    assert (coach.first_day, coach.premium_fen) == (date(2027, 1, 1), 4790_00)
    assert (bus.first_day, bus.premium_fen) == (TODAY, 3020_00)


def test_floats_and_taxes_change_the_ctpl_line_only(world: World, now: datetime) -> None:
    number = make(world, now, world.coach)
    terms = {world.coach.id: VehicleTerms(CtplFloat.A3, 480_00)}
    quote_sheets.set_terms(number, terms, actor=world.underwriter, now=now)
    db.session.commit()
    lines = lines_of(number, world, now)
    ctpl = lines[world.coach.id, PolicyLine.CTPL]
    assert (ctpl.base_fen, ctpl.premium_fen, ctpl.ctpl_float, ctpl.tax_fen) == (
        4690_00,
        3283_00,
        "A3",
        480_00,
    )
    view = view_of(number, world, now)
    assert view.sheet.premium_fen == 3283_00 + 6540_00 + 2790_00
    assert view.sheet.tax_fen == 480_00
    assert view.by_line[PolicyLine.CTPL].tax_fen == 480_00


def rows(world: World, **changes: Any) -> list[FloatRow]:
    row = FloatRow(5, world.coach.plate or "", "", CtplFloat.A1, None)
    return [replace(row, **changes)]


def test_a_list_of_floats_leaves_what_it_does_not_say(world: World, now: datetime) -> None:
    number = make(world, now)
    given = {world.coach.id: VehicleTerms(CtplFloat.A2, 480_00)}
    quote_sheets.set_terms(number, given, actor=world.underwriter, now=now)
    quote_sheets.set_terms_from_rows(number, rows(world), actor=world.underwriter, now=now)
    ctpl = lines_of(number, world, now)[world.coach.id, PolicyLine.CTPL]
    assert (ctpl.ctpl_float, ctpl.premium_fen, ctpl.tax_fen) == ("A1", 4221_00, 480_00)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"plate": "豫Z00000"}, ["float_vehicle_unknown"]),
        ({"vin": "of another"}, ["float_vehicle_unknown"]),
        ({"problems": [("float_unknown", {"row": 5, "value": "A9"})]}, ["float_unknown"]),
    ],
)
def test_one_wrong_row_and_none_is_taken(
    world: World, now: datetime, changes: dict[str, Any], codes: list[str]
) -> None:
    number = make(world, now)
    if changes.get("vin"):
        changes = {"vin": world.truck.vin}
    sent = [*rows(world), *rows(world, row_no=6, **{"plate": world.bus.plate, **changes})]
    with pytest.raises(InvalidMany) as refusal:
        quote_sheets.set_terms_from_rows(number, sent, actor=world.underwriter, now=now)
    assert [(one.code, one.field) for one in refusal.value.problems] == [(code, "file") for code in codes]
    assert lines_of(number, world, now)[world.coach.id, PolicyLine.CTPL].ctpl_float == "A4"


def test_a_vehicle_twice_in_a_list_is_refused(world: World, now: datetime) -> None:
    number = make(world, now)
    sent = [*rows(world), *rows(world, row_no=6, plate="", vin=world.coach.vin)]
    with pytest.raises(InvalidMany) as refusal:
        quote_sheets.set_terms_from_rows(number, sent, actor=world.underwriter, now=now)
    assert [one.code for one in refusal.value.problems] == ["float_vehicle_twice"]


def test_prices_hold_although_the_table_changed_meanwhile(world: World, now: datetime) -> None:
    number = make(world, now)
    given = {world.coach.id: VehicleTerms(CtplFloat.A3, 480_00)}
    quote_sheets.set_terms(number, given, actor=world.underwriter, now=now)
    raise_prices(world, now)
    batch = policies.issue_many(order(world, number), actor=world.underwriter, now=now + timedelta(days=15))
    db.session.commit()
    premiums = {
        (policy.vehicle_id, policy.line): policy
        for policy in db.session.scalars(select(Policy).where(Policy.batch_id == batch.id))
    }
    coach = premiums[world.coach.id, PolicyLine.CTPL]
    assert (coach.premium_fen, coach.tax_fen, coach.ctpl_float) == (3283_00, 480_00, "A3")
    assert premiums[world.bus.id, PolicyLine.CTPL].premium_fen == 3020_00
    sheet = db.session.scalars(select(QuoteSheet)).one()
    assert batch.premium_fen == sheet.premium_fen
    assert db.session.scalar(select(func.sum(Receivable.amount_fen))) == sheet.premium_fen + 480_00
    lines = {line.rate_line_id for line in db.session.scalars(select(QuoteLine))}
    assert {policy.rate_line_id for policy in premiums.values()} <= lines
    view = view_of(number, world, now)
    assert (view.state, [one.number for one in view.batches]) == ("issued", [batch.number])


def test_without_the_quote_the_new_price_counts(world: World, now: datetime) -> None:
    raise_prices(world, now)
    request = IssueRequest(world.account.id, (world.coach.id,), (CTPL,))
    assert policies.preview(request, actor=world.underwriter, now=now).premium_fen == 4790_00


def test_nothing_is_issued_from_an_expired_quote(world: World, now: datetime) -> None:
    number = make(world, now, valid_until=TODAY)
    last_minute = datetime(2026, 11, 23, 15, 59, tzinfo=now.tzinfo)
    assert policies.preview(order(world, number), actor=world.underwriter, now=last_minute).policies
    with pytest.raises(Invalid, match="quote_expired"):
        policies.issue(order(world, number), actor=world.underwriter, now=last_minute + timedelta(minutes=1))
    assert not db.session.scalar(select(func.count()).select_from(Policy))


def test_what_the_quote_does_not_hold_is_refused_with_the_reason(world: World, now: datetime) -> None:
    number = make(world, now, world.coach, lines=(CTPL,))
    other = (CTPL, LineChoice(PolicyLine.COMMERCIAL, "tpl_2m"))
    request = order(world, number, *other, vehicle_ids=(world.coach.id, world.bus.id))
    plan = policies.preview(request, actor=world.underwriter, now=now)
    assert [(one.vehicle.id, one.line) for one in plan.policies] == [(world.coach.id, PolicyLine.CTPL)]
    assert {(one.vehicle_id, one.line, one.code) for one in plan.refused} == {
        (world.coach.id, PolicyLine.COMMERCIAL, "not_in_quote"),
        (world.bus.id, PolicyLine.CTPL, "not_in_quote"),
        (world.bus.id, PolicyLine.COMMERCIAL, "not_in_quote"),
    }


def test_a_vehicle_changed_since_is_quoted_again(world: World, now: datetime) -> None:
    number = make(world, now, world.coach, lines=(CTPL,))
    world.coach.seats = 30
    db.session.commit()
    plan = policies.preview(order(world, number, CTPL), actor=world.underwriter, now=now)
    assert [one.code for one in plan.refused] == ["quote_vehicle_changed"]
    again = quote_sheets.quote_again(number, actor=world.underwriter, now=now)
    assert lines_of(again, world, now)[world.coach.id, PolicyLine.CTPL].premium_fen == 3420_00


def test_quoted_again_the_floats_and_taxes_stay_and_prices_are_todays(world: World, now: datetime) -> None:
    number = make(world, now, valid_until=TODAY, title="巩义")
    given = {world.coach.id: VehicleTerms(CtplFloat.A3, 480_00)}
    quote_sheets.set_terms(number, given, actor=world.underwriter, now=now)
    raise_prices(world, now)
    later = now + timedelta(days=30)
    again = quote_sheets.quote_again(number, key="k", actor=world.underwriter, now=later)
    assert quote_sheets.quote_again(number, key="k", actor=world.underwriter, now=later) == again
    ctpl = lines_of(again, world, later)[world.coach.id, PolicyLine.CTPL]
    assert (ctpl.base_fen, ctpl.ctpl_float, ctpl.tax_fen) == (4790_00, "A3", 480_00)
    view = view_of(again, world, later)
    assert (view.sheet.title, view.state) == ("巩义", "open")
    assert view_of(number, world, later).state == "expired"


def test_an_expired_or_issued_sheet_is_changed_no_more(world: World, now: datetime) -> None:
    expired, issued = make(world, now, world.coach, valid_until=TODAY), make(world, now, world.coach)
    policies.issue_many(order(world, issued), actor=world.underwriter, now=now)
    later = now + timedelta(days=1)
    terms = {world.coach.id: VehicleTerms(CtplFloat.A1)}
    for number, kind, code in ((expired, Invalid, "quote_expired"), (issued, Conflict, "quote_issued")):
        with pytest.raises(kind, match=code):
            quote_sheets.set_terms(number, terms, actor=world.underwriter, now=later)
        with pytest.raises(kind, match=code):
            quote_sheets.hold_until(number, TODAY + timedelta(days=9), actor=world.underwriter, now=later)


@pytest.mark.parametrize(
    ("valid_until", "code"),
    [(TODAY - timedelta(days=1), "quote_day_past"), (TODAY + timedelta(days=91), "quote_day_far")],
)
def test_the_day_prices_are_held_until_is_bounded(
    world: World, now: datetime, valid_until: date, code: str
) -> None:
    with pytest.raises(Invalid, match=code):
        make(world, now, valid_until=valid_until)
    number = make(world, now)
    with pytest.raises(Invalid, match=code):
        quote_sheets.hold_until(number, valid_until, actor=world.underwriter, now=now)
    quote_sheets.hold_until(number, TODAY + timedelta(days=90), actor=world.underwriter, now=now)
    assert view_of(number, world, now).sheet.valid_until == TODAY + timedelta(days=90)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"vehicle_ids": ()}, "no_vehicle_chosen"),
        ({"lines": ()}, "no_line_chosen"),
        ({"vehicle_ids": tuple(range(1, MOST_VEHICLES + 2))}, "too_many_vehicles"),
        ({"start_on": TODAY - timedelta(days=1)}, "start_in_the_past"),
    ],
)
def test_wrong_requests_are_refused(world: World, now: datetime, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        make(world, now, **changes)


def test_a_sheet_sent_twice_is_one(world: World, now: datetime) -> None:
    request = QuoteRequest(world.account.id, (world.coach.id,), (CTPL,))
    numbers = {quote_sheets.make(request, key="k", actor=world.underwriter, now=now) for _ in range(2)}
    assert len(numbers) == db.session.scalar(select(func.count()).select_from(QuoteSheet)) == 1


def test_a_branch_is_quoted_with_what_is_below_it(world: World, now: datetime) -> None:
    VehicleFactory(branch=world.gongyi, state=VehicleState.SUSPENDED)
    pending = VehicleFactory(branch=world.gongyi, state=VehicleState.PENDING)
    part = FleetPart(world.account.id, branch_id=world.gongyi.id, use_class=UseClass.COACH)
    assert set(quote_queries.vehicle_ids_of(part, actor=world.underwriter)) == {world.coach.id, pending.id}
    named = FleetPart(world.account.id, text="豫a·12345")
    assert quote_queries.vehicle_ids_of(named, actor=world.underwriter) == [world.coach.id]


def test_sheets_are_listed_by_state(world: World, now: datetime) -> None:
    expired = make(world, now, world.coach, valid_until=TODAY, title="旧报价")
    held, issued = make(world, now, world.bus), make(world, now, world.coach)
    policies.issue_many(order(world, issued), actor=world.underwriter, now=now)
    later = now + timedelta(days=1)

    def listed(**wanted: str) -> list[tuple[str, str]]:
        page = quote_queries.list_sheets(
            SheetFilter(world.account.id, **wanted), PageRequest(), actor=world.claims1, now=later
        )
        return [(row.sheet.number, row.state) for row in page.rows]

    assert listed() == [(issued, "issued"), (held, "open"), (expired, "expired")]
    assert listed(state="open") == [(held, "open")]
    assert listed(state="expired") == [(expired, "expired")]
    assert listed(state="issued") == [(issued, "issued")]
    assert listed(text="旧报") == [(expired, "expired")]
    assert listed(text="%") == []


def test_a_batch_taken_back_frees_the_quote(world: World, now: datetime) -> None:
    number = make(world, now, world.coach)
    batch = policies.issue_many(order(world, number), actor=world.underwriter, now=now)
    batch.undone_at = now
    db.session.flush()
    assert view_of(number, world, now).state == "open"
    assert db.session.get_one(IssueBatch, batch.id).quote_id == view_of(number, world, now).sheet.id


def acts(world: World, number: str, now: datetime) -> list[Callable[[Any], object]]:
    request = QuoteRequest(world.account.id, (world.coach.id,), (CTPL,))
    return [
        lambda actor: quote_sheets.make(request, actor=actor, now=now),
        lambda actor: quote_sheets.find(number, actor),
        lambda actor: quote_sheets.set_terms(number, {}, actor=actor, now=now),
        lambda actor: quote_sheets.hold_until(number, TODAY, actor=actor, now=now),
        lambda actor: quote_sheets.quote_again(number, actor=actor, now=now),
        lambda actor: quote_queries.get_sheet(number, None, actor=actor, now=now),
    ]


def test_clients_do_not_quote_and_strangers_find_nothing(world: World, now: datetime) -> None:
    number = make(world, now, world.coach)
    for act in acts(world, number, now):
        for person in (world.hq, world.safety_gongyi, world.foreign_hq):
            with pytest.raises(Forbidden):
                act(person)
    with pytest.raises(NotFound):
        make(world, now, world.foreign_vehicle)
    with pytest.raises(NotFound):
        held_prices.of_quote(number, world.foreign_account.id, now=now)
