"""The monthly underwriting table and the renewal forecast, each table counted anew."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from service_desk.rules.metrics import Mean, Ratio
from tests.reconciliation.comparing import Checker, months_back
from tests.reconciliation.slow_cover import CHINA, Insured, count_renewals, is_followed_by
from tests.reconciliation.span import Days, Sums, midnight

_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)
_CLASSES = ("coach", "city_bus", "taxi_rental", "goods", "non_operating", "")
_LINES = ("ctpl", "commercial", "carrier_liability")
_BANDS = {"days_30": 30, "days_60": 60, "days_90": 90}
_BEFORE_ALL = datetime.min.replace(tzinfo=CHINA)


@dataclass(frozen=True)
class Act:
    """A policy issued, or an endorsement made."""

    at: datetime
    number: str
    endorsement: str
    kind: str
    branch_id: int
    use_class: str
    line: str
    cover_set: str
    premium_fen: int
    tax_fen: int
    vehicle_id: int | None


def _acts(book: Iterable[Insured], days: Days) -> list[Act]:
    found = []
    for one in book:
        policy = one.policy
        at_issue = (one.use_class(_BEFORE_ALL), str(policy.line), one.stated("cover_set", _BEFORE_ALL))
        if policy.origin == "issued" and days.start <= policy.issued_at < days.end:
            money = (policy.premium_fen, policy.tax_fen, policy.vehicle_id)
            head = (policy.issued_at, policy.number, "", "issue", policy.issued_branch_id)
            found.append(Act(*head, *at_issue, *money))
        for change in one.changes:
            if days.start <= change.created_at < days.end:
                head = (change.created_at, policy.number, change.number, str(change.kind), change.branch_id)
                found.append(Act(*head, *at_issue, change.premium_fen, 0, None))
    return sorted(found, key=lambda act: (act.at, act.number, act.endorsement))


def check_underwriting(checker: Checker) -> None:
    """The month's acts by branch, class, line and cover, beside the month before and the year before."""
    checker.check_tiles()
    first, counts = checker.report.period_from, checker.counts
    months = [_acts(counts.book, counts.days(*months_back(first, back))) for back in (0, 1, 12)]
    names = {one.id: one.name for one in counts.branches.values()}

    def table(
        code: str, keys: list[Any], key_of: Callable[[Act], Any], named: Callable[[Any], tuple[Any, ...]]
    ) -> None:
        known = {key_of(act) for month in months for act in month}
        rows = [
            (*named(key), *_figures([[act for act in one if key_of(act) == key] for one in months]))
            for key in keys
            if key in known
        ]
        blanks = (None,) * len(named(keys[0])) if keys else (None,)
        checker.check_rows(code, rows, (*blanks, *_figures(months)))

    in_order = sorted(names, key=lambda key: (names[key], key))
    table("by_branch", in_order, lambda act: act.branch_id, lambda key: (names[key],))
    table("by_class", list(_CLASSES), lambda act: act.use_class, lambda key: (key or None,))
    table("by_line", list(_LINES), lambda act: act.line, lambda key: (key,))
    covers = sorted(
        {(act.line, act.cover_set) for month in months for act in month},
        key=lambda one: (_LINES.index(one[0]), one[1]),
    )
    table("by_cover", covers, lambda act: (act.line, act.cover_set), lambda key: (key[0], ...))
    rows = [
        (
            act.at,
            act.kind,
            act.number,
            act.endorsement or None,
            ...,
            names[act.branch_id],
            act.use_class or None,
            act.line,
            ...,
            act.premium_fen,
            act.tax_fen,
        )
        for act in months[0]
    ]
    checker.check_rows("acts", rows[:5_000])


def _figures(months: list[list[Act]]) -> list[Any]:
    now = months[0]
    issued = [act for act in now if act.kind == "issue"]
    cancelled = [act for act in now if act.kind == "cancellation"]
    endorsed = [act for act in now if act.kind not in ("issue", "cancellation")]
    written, month_before, year_before = (sum(act.premium_fen for act in month) for month in months)
    return [
        len(issued),
        len({act.vehicle_id for act in issued}),
        sum(act.premium_fen for act in issued),
        len(endorsed),
        sum(act.premium_fen for act in endorsed),
        len(cancelled),
        sum(act.premium_fen for act in cancelled),
        written,
        month_before,
        Ratio(written - month_before, month_before) if month_before > 0 else Ratio(),
        year_before,
        Ratio(written - year_before, year_before) if year_before > 0 else Ratio(),
        sum(act.tax_fen for act in issued),
    ]


@dataclass(frozen=True)
class Ending:
    """A policy that ends in the ninety days, as it was known."""

    own: Insured
    branch_id: int
    use_class: str
    premium_fen: int
    earned_fen: int
    is_renewed: bool

    @property
    def last_day(self) -> date:
        return (self.own.policy.agreed_ends_at - _MOMENT).astimezone(CHINA).date()


def _endings(checker: Checker) -> list[Ending]:
    days, book = checker.counted.days, checker.counts.book
    of_line = defaultdict(list)
    for one in book:
        of_line[one.policy.vehicle_id, one.policy.line].append(one)
    first = midnight(days.last_day + _DAY, CHINA)
    last = midnight(days.last_day + 91 * _DAY, CHINA)
    on = max(days.last_whole_day + _DAY, days.first)
    found = []
    for one in book:
        policy, at = one.policy, days.until
        if policy.issued_at >= at or not first < policy.agreed_ends_at <= last or one.closing(at):
            continue
        annual = one.stated("annual_fen", at)
        others = of_line[policy.vehicle_id, policy.line]
        found.append(
            Ending(
                one,
                one.stated("branch_id", at),
                one.use_class(at),
                policy.premium_fen if annual is None else annual,
                one.earned(at, on),
                is_followed_by(one, others, policy.agreed_ends_at, at),
            )
        )
    return sorted(
        found, key=lambda one: (one.own.policy.agreed_ends_at, one.own.policy.plate or "", one.own.policy.id)
    )


def check_forecast(checker: Checker) -> None:
    """What ends in the ninety days after, by band, by branch with class and line, with what it brought."""
    checker.check_tiles()
    endings, last_day = _endings(checker), checker.counted.days.last_day

    def left(one: Ending) -> int:
        return (one.last_day - last_day).days

    def band(one: Ending) -> str:
        return next(code for code, most in _BANDS.items() if left(one) <= most)

    rows: list[tuple[Any, ...]] = [
        (code, *_counts(own), _expected(own))
        for code in _BANDS
        for own in [[e for e in endings if band(e) == code]]
    ]
    checker.check_rows("expiring_bands", rows, (None, *_counts(endings), _expected(endings)))
    groups: dict[Any, list[Ending]] = defaultdict(list)
    for one in endings:
        groups[one.branch_id, one.use_class, str(one.own.policy.line)].append(one)
    paths = {one.id: [int(n) for n in one.path.split("/") if n] for one in checker.counts.branches.values()}
    names = {one.id: one.name for one in checker.counts.branches.values()}

    def place(key: tuple[Any, ...]) -> tuple[Any, ...]:
        return (paths[key[0]], _CLASSES.index(key[1]), *(_LINES.index(one) for one in key[2:]))

    def by_bands(own: list[Ending]) -> tuple[int, ...]:
        return (*(_expected(one for one in own if band(one) == code) for code in _BANDS), _expected(own))

    rows = [
        (names[key[0]], key[1] or None, key[2], *_counts(groups[key]), *by_bands(groups[key]))
        for key in sorted(groups, key=place)
    ]
    checker.check_rows("expiring_groups", rows, (None, None, None, *_counts(endings), *by_bands(endings)))
    _check_results(checker, endings, names, place)
    _check_months(checker)
    rows = [
        (
            one.own.policy.plate,
            one.own.policy.vin,
            names[one.branch_id],
            one.use_class or None,
            str(one.own.policy.line),
            ...,
            one.own.policy.number,
            one.last_day,
            left(one),
            one.premium_fen,
            str(one.is_renewed),
        )
        for one in endings
    ]
    checker.check_rows("expiring_vehicles", rows[:5_000])


def _counts(own: list[Ending]) -> tuple[int, ...]:
    renewed = sum(one.is_renewed for one in own)
    return (len(own), len({one.own.policy.vehicle_id for one in own}), renewed, len(own) - renewed)


def _expected(own: Iterable[Ending]) -> int:
    return sum(one.premium_fen for one in own if not one.is_renewed)


def _check_results(checker: Checker, endings: list[Ending], names: dict[int, str], place: Any) -> None:
    """A claim counts once, for the policy of its vehicle that ends first of those it fell into."""
    until, groups = checker.counted.days.until, defaultdict(Sums)
    of_vehicle = defaultdict(list)
    for one in endings:
        groups[one.branch_id, one.use_class].more("earned", one.earned_fen)
        of_vehicle[one.own.policy.vehicle_id].append(one)
    for story in checker.counts.stories:
        if story.claim.reported_at >= until:
            continue
        for one in of_vehicle.get(story.claim.vehicle_id, []):
            policy = one.own.policy
            if policy.starts_at <= story.claim.loss_at < policy.agreed_ends_at:
                groups[one.branch_id, one.use_class].more("claims")
                groups[one.branch_id, one.use_class].more("loss", story.comes_to(until))
                break
    whole = Sums()
    for own in groups.values():
        whole.merge(own)
    rows = [(names[key[0]], key[1] or None, *_results(groups[key])) for key in sorted(groups, key=place)]
    checker.check_rows("expiring_results", rows, (None, None, *_results(whole)))


def _results(own: Sums) -> tuple[Any, ...]:
    ratio, mean = Ratio(own["loss"], own["earned"]), Mean(own["loss"], own["claims"])
    return own["claims"], own["earned"], own["loss"], ratio, mean


def _check_months(checker: Checker) -> None:
    """Twelve months to the last day, all by what was known at the end of the period."""
    days, rows = checker.counted.days, []
    for back in range(11, -1, -1):
        first, last = months_back(days.last_day, back)
        # Seen from the end of the report's period, not from its own.
        seen = Days(first, last, days.zone, days.now)
        found = count_renewals(checker.counts.book, seen, known_at=days.until).get(None, Sums())
        lost = found["due"] - found["renewed"] - found["to_renew"]
        rate = Ratio(found["renewed"], found["due"])
        rows.append((f"{first:%Y-%m}", found["due"], found["renewed"], found["to_renew"], lost, rate))
    checker.check_rows("renewal_months", rows)
