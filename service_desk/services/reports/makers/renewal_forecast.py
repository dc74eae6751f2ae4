"""The renewal forecast (续保预测): what ends in the ninety days after the period, by what was known at its end.

A premium is expected of what is not renewed yet: a year's premium of the policy that ends, as it was endorsed last.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from service_desk.models.accounts import KeyAccount
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Results
from service_desk.rules.periods import Period, months_after
from service_desk.rules.report_document import (
    CellKind,
    Chart,
    ChartKind,
    Column,
    Report,
    ReportKind,
    Table,
    Value,
)
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.measures import Span
from service_desk.services.measures.premium import loss_at, stands_of
from service_desk.services.renewals.expiring import ExpiringPolicy, list_expiring
from service_desk.services.renewals.success import account_months
from service_desk.services.reports.makers import parts

# The last day after the period's end of each band.
BANDS = {"days_30": 30, "days_60": 60, "days_90": 90}
MONTHS_BACK = 12
_TILES = (C.RENEWAL_DUE, C.RENEWAL_RATE, C.COVERAGE, C.UNINSURED_VEHICLES)


@dataclass(frozen=True)
class _Forecast:
    """The policies that end, and from which day they are counted."""

    span: Span
    last_day: date
    expiring: Sequence[ExpiringPolicy]

    def band_of(self, policy: ExpiringPolicy) -> str:
        left = (policy.last_day - self.last_day).days
        return next(code for code, days in BANDS.items() if left <= days)


def make(account: KeyAccount, period: Period, *, now: datetime) -> Report:
    """The forecast made at the end of a month, or of today while it runs."""
    span = parts.span_of(account, period, now)
    earlier = months_after(period.first, -1)
    found = _read(span)
    codes = list(_TILES)
    this, last = parts.read_each([span, parts.at_end(parts.span_of(account, earlier, now))], codes)
    return Report(
        ReportKind.RENEWAL_FORECAST,
        **parts.head(account, period, now),
        tiles=parts.tiles(codes, this.total, last.total),
        tables=(
            _bands(found),
            _groups(found),
            _results(found),
            _months(found),
            _list(found),
        ),
        charts=(
            Chart("expiring_bands", ChartKind.BARS, "expiring_bands", "band", ("premium_expected",)),
            Chart("renewal_months", ChartKind.LINE, "renewal_months", "month", (C.RENEWAL_RATE,)),
        ),
        notes=("premium_expected", "losses_of_expiring", *_cut(found)),
        compared_from=earlier.first,
        compared_to=earlier.last,
    )


def _read(span: Span) -> _Forecast:
    last_day = span.last_day
    days = Period(last_day + timedelta(days=1), last_day + timedelta(days=max(BANDS.values())))
    return _Forecast(span, last_day, list_expiring(span.account_id, days, stands_of(span)[1]))


def _cut(found: _Forecast) -> list[str]:
    return [parts.LIST_CUT] if len(found.expiring) > parts.MOST_LISTED else []


_COUNTS = (
    Column("policies", CellKind.COUNT),
    Column("vehicles", CellKind.COUNT),
    Column("renewed_already", CellKind.COUNT),
    Column("to_renew", CellKind.COUNT),
)


def _counts(policies: Sequence[ExpiringPolicy]) -> list[Value]:
    renewed = sum(one.is_renewed for one in policies)
    return [
        len(policies),
        len({one.vehicle_id for one in policies}),
        renewed,
        len(policies) - renewed,
    ]


def _expected(policies: Iterable[ExpiringPolicy]) -> int:
    return sum(one.premium_fen for one in policies if not one.is_renewed)


def _bands(found: _Forecast) -> Table:
    by_band: dict[str, list[ExpiringPolicy]] = {code: [] for code in BANDS}
    for one in found.expiring:
        by_band[found.band_of(one)].append(one)
    columns = (
        Column("band", CellKind.LABEL, "report_band"),
        *_COUNTS,
        Column("premium_expected", CellKind.FEN),
    )
    rows = [(code, *_counts(own), _expected(own)) for code, own in by_band.items()]
    return Table("expiring_bands", columns, rows, (None, *_counts(found.expiring), _expected(found.expiring)))


def _groups(found: _Forecast) -> Table:
    groups: dict[tuple[int, str, PolicyLine], list[ExpiringPolicy]] = defaultdict(list)
    for one in found.expiring:
        groups[one.branch_id, one.use_class, one.line].append(one)
    branches = parts.branches_of(found.span.account_id)
    places = {branch_id: place for place, branch_id in enumerate(branches)}
    lines = list(PolicyLine)
    columns = (
        parts.BRANCH,
        parts.USE_CLASS,
        parts.LINE,
        *_COUNTS,
        *(Column(f"premium_{code}", CellKind.FEN) for code in BANDS),
        Column("premium_expected", CellKind.FEN),
    )
    ordered = sorted(groups, key=lambda key: (places[key[0]], _place_of_class(key[1]), lines.index(key[2])))
    rows = [
        (
            parts.name_of(branches[branch_id]),
            use_class or None,
            line.value,
            *_with_bands(found, groups[branch_id, use_class, line]),
        )
        for branch_id, use_class, line in ordered
    ]
    return Table("expiring_groups", columns, rows, (None, None, None, *_with_bands(found, found.expiring)))


def _place_of_class(use_class: str) -> int:
    codes = [one.value for one in UseClass]
    return codes.index(use_class) if use_class in codes else len(codes)


def _with_bands(found: _Forecast, policies: Sequence[ExpiringPolicy]) -> list[Value]:
    by_band = [_expected(one for one in policies if found.band_of(one) == code) for code in BANDS]
    return [*_counts(policies), *by_band, _expected(policies)]


_RESULTS = (C.EARNED_PREMIUM, C.REPORTED_LOSS, C.EARNED_LOSS_RATIO, C.AVERAGE_LOSS)


def _results(found: _Forecast) -> Table:
    """What the policies that end have brought so far. A claim's loss is of all its vehicle's policies together."""
    groups: dict[tuple[int, str], Results] = defaultdict(Results)
    of_vehicle: dict[int, list[ExpiringPolicy]] = defaultdict(list)
    for one in found.expiring:
        groups[one.branch_id, one.use_class] += Results(earned_fen=one.earned_fen)
        of_vehicle[one.vehicle_id].append(one)
    for vehicle_id, happened_at, loss_fen in _claims(found):
        for one in of_vehicle.get(vehicle_id, ()):
            if one.starts_at <= happened_at < one.ends_at:
                groups[one.branch_id, one.use_class] += Results(claims=1, loss_fen=loss_fen)
                break
    branches = parts.branches_of(found.span.account_id)
    places = {branch_id: place for place, branch_id in enumerate(branches)}
    ordered = sorted(groups, key=lambda key: (places[key[0]], _place_of_class(key[1])))
    rows = [
        (parts.name_of(branches[key[0]]), key[1] or None, *_result_values(groups[key])) for key in ordered
    ]
    columns = (
        parts.BRANCH,
        parts.USE_CLASS,
        Column("claims", CellKind.COUNT),
        *map(Column, _RESULTS),
    )
    total = sum(groups.values(), Results())
    return Table("expiring_results", columns, rows, (None, None, *_result_values(total)))


def _result_values(results: Results) -> list[Value]:
    return [results.claims, *parts.values_of(results.measures(), _RESULTS)]


def _claims(found: _Forecast) -> list[tuple[int, datetime, int]]:
    """The claims known by then that happened since the first of the policies began: vehicle, when, what it comes to."""
    if not found.expiring:
        return []
    statement = select(Claim.vehicle_id, Claim.loss_at, loss_at(found.span.until)).where(
        Claim.account_id == found.span.account_id,
        Claim.loss_at >= min(one.starts_at for one in found.expiring),
        Claim.reported_at < found.span.until,
    )
    return [(row[0], row[1], int(row[2])) for row in db.session.execute(statement)]


def _months(found: _Forecast) -> Table:
    """Distinct vehicles, by what was known at the end of the period."""
    months = [months_after(found.last_day, number) for number in range(1 - MONTHS_BACK, 1)]
    figures = account_months(found.span.account_id, months, as_of=found.span.until)
    columns = (
        Column("month", CellKind.TEXT),
        Column(C.RENEWAL_DUE),
        Column("renewed", CellKind.COUNT),
        Column("to_renew_vehicles", CellKind.COUNT),
        Column("lost", CellKind.COUNT),
        Column(C.RENEWAL_RATE),
    )
    rows = [
        (f"{month.first:%Y-%m}", one.due, one.renewed, one.to_renew, one.lost, one.rate)
        for month, one in zip(months, figures, strict=True)
    ]
    return Table("renewal_months", columns, rows)


def _list(found: _Forecast) -> Table:
    branches, covers = parts.branches_of(found.span.account_id), parts.CoverNames()
    columns = (
        parts.PLATE,
        Column("vin", CellKind.TEXT),
        parts.BRANCH,
        parts.USE_CLASS,
        parts.LINE,
        parts.COVER_SET,
        Column("policy_no", CellKind.TEXT),
        Column("last_day", CellKind.DATE),
        Column("days_left", CellKind.DAYS),
        Column("premium", CellKind.FEN),
        Column("is_renewed", CellKind.LABEL, "yes_no"),
    )
    rows = [
        (
            one.plate or None,
            one.vin or None,
            parts.name_of(branches[one.branch_id]),
            one.use_class or None,
            one.line.value,
            covers.of(one.cover_set),
            one.number,
            one.last_day,
            (one.last_day - found.last_day).days,
            one.premium_fen,
            str(one.is_renewed),
        )
        for one in found.expiring[: parts.MOST_LISTED]
    ]
    return Table("expiring_vehicles", columns, rows, is_detail=True)
