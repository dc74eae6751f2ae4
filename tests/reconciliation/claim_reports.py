"""The weekly claim report, the monthly case table and the demand of branches, each table counted anew."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from tests.reconciliation.comparing import Checker, months_back
from tests.reconciliation.lists import Lists
from tests.reconciliation.slow_claims import Story
from tests.reconciliation.slow_measures import Counted

STEPS = [
    "first_reply",
    "dispatch",
    "contact",
    "survey",
    "large_loss_notice",
    "deficiency_notice",
    "ctpl_document_list",
    "assessment",
    "liability_decision",
    "ctpl_decision",
    "denial_notice",
    "calculation",
    "payment",
    "advance_payment",
    "followup",
    "breach_review",
    "vehicle_approval",
    "vehicle_issue",
    "cover_chase",
    "dispute",
    "outstanding_list",
    "message_reply",
    "complaint",
]
_BANDS = ("week", "month", "quarter", "older")


def check_weekly(checker: Checker) -> None:
    """Branches with the age of the oldest open claim, and the lists behind them."""
    lists = Lists(checker)
    checker.check_tiles()
    checker.check_measured("by_branch", checker.branch_readers())
    table = checker.report.table("by_branch")
    place = next(index for index, one in enumerate(table.columns) if one.code == "oldest_days")
    shown = {row[0].zh: row[place] for row in table.rows}
    for name, reader in checker.branch_readers().items():
        oldest = max(reader.sums("claims").get("oldest", []), default=None)
        checker.to.check(checker.where(table, name, "oldest_days"), shown.get(name), oldest)
    whole = max(checker.counted.whole().sums("claims").get("oldest", []), default=None)
    checker.to.check(checker.where(table, "total", "oldest_days"), table.total and table.total[place], whole)
    checker.check_rows("claims_of_period", lists.claims())
    checker.check_rows("open_claims", lists.open_claims(), ordered=False)
    checker.check_rows("breaches", lists.breaches())


def check_monthly_cases(checker: Checker) -> None:
    """Tables of measures, ages, the months before, promises by step, causes, and every case by name."""
    lists, counted = Lists(checker), checker.counted
    checker.check_tiles()
    for code in ("by_branch", "money_by_branch", "speed_by_branch"):
        checker.check_measured(code, checker.branch_readers())
    checker.check_measured("by_class", checker.class_readers())
    sums = counted.whole().sums("claims")
    ages = [
        tuple(sums[f"age_{word}_{band}{unit}"] for word in ("report", "loss") for unit in ("", "_fen"))
        for band in _BANDS
    ]
    rows = [(band, *age) for band, age in zip(_BANDS, ages, strict=True)]
    checker.check_rows("ageing", rows, (None, *(sum(column) for column in zip(*ages, strict=True))))
    months = [months_back(checker.report.period_from, back) for back in range(5, -1, -1)]
    readers = {f"{first:%Y-%m}": checker.counts.over(first, last).whole() for first, last in months}
    checker.check_measured("by_month", readers)
    checker.check_measured("reserves_by_month", readers)
    clocks = counted.whole().sums("clocks")
    steps = [step for step in STEPS if clocks[f"kept_{step}"] or clocks[f"broken_{step}"]]
    kept = [_kept(clocks, step) for step in steps]
    shown = checker.report.table("by_step")
    # A step of which clocks were only cancelled is there with nothing judged.
    extra = [row[0] for row in shown.rows if not row[1].whole]
    order = [step for step in STEPS if step in steps or step in {getattr(one, "value", one) for one in extra}]
    checker.check_rows(
        "by_step",
        [(step, _kept(clocks, step), clocks[f"broken_{step}"]) for step in order],
        (None, sum(kept, Ratio()), clocks["broken"]),
    )
    broken, named = len(lists.broken()), lists.causes_named()
    rows = [(name, number) for name, number in named.items()]
    rows += [(None, broken - named.total())] if broken > named.total() else []
    checker.check_rows("breach_causes", rows, (None, broken), ordered=False)
    checker.check_rows("claims_of_period", lists.claims())
    checker.check_rows("closed_claims", lists.closed_claims())
    checker.check_rows("open_claims", lists.open_claims(), ordered=False)
    checker.check_rows("breaches", lists.breaches())


def _kept(clocks: Any, step: str) -> Ratio:
    return Ratio(clocks[f"kept_{step}"], clocks[f"kept_{step}"] + clocks[f"broken_{step}"])


class _Losses:
    """Claims reported in the period, of a branch or of all."""

    def __init__(self, stories: Iterable[Story], checker: Checker) -> None:
        self.own = list(stories)
        self.zone = checker.counts.zone

    def hours(self) -> list[int]:
        ends = (5, 9, 12, 16, 20, 23)
        counts = [0] * 6
        for one in self.own:
            hour = one.claim.loss_at.astimezone(self.zone).hour
            counts[next((place for place, end in enumerate(ends) if hour < end), 0)] += 1
        return counts

    def share(self, of: Any) -> Ratio:
        return Ratio(sum(bool(of(one)) for one in self.own), len(self.own))

    def kinds(self) -> Counter[str]:
        return Counter(str(kind) for one in self.own if one.checklist for kind in one.checklist.features)

    def figures(self, reader: Any) -> dict[str, Ratio]:
        """What each proposal is judged by."""
        often = Counter(one.claim.vehicle_id for one in self.own)
        repeating = sum(count for count in often.values() if count >= 3)
        return {
            "close_gaps": Ratio(reader[C.UNINSURED_VEHICLES], reader[C.OPERATING_VEHICLES]),
            "higher_liability_limits": self.share(lambda one: one.claim.injured_count),
            "driver_training": reader[C.CLAIM_FREQUENCY],
            "repeating_vehicles": Ratio(repeating, len(self.own)),
            "night_rules": Ratio(self.hours()[0], len(self.own)),
            "report_at_once": self.share(
                lambda one: one.claim.reported_at - one.claim.loss_at > timedelta(hours=48)
            ),
            "review_price": reader[C.EARNED_LOSS_RATIO],
        }


# From which percent on, and with how many claims at least; of driver training the percent is of the account's figure.
_LINES = {
    "close_gaps": (0, 0),
    "higher_liability_limits": (25, 5),
    "driver_training": (150, 5),
    "repeating_vehicles": (20, 3),
    "night_rules": (30, 5),
    "report_at_once": (10, 5),
    "review_price": (100, 5),
}


def check_demand(checker: Checker) -> None:
    """Tables of measures, and what the claims of twelve months have in common by branch."""
    last = checker.report.period_to
    after = last + timedelta(days=1)
    counted = checker.counts.over(after.replace(year=after.year - 1), last)
    checker.check_tiles()
    for code in ("by_branch", "gravity_by_branch", "cover_by_branch"):
        checker.check_measured(code, checker.branch_readers())
    of_branch: dict[int, list[Story]] = defaultdict(list)
    for story in checker.counts.stories:
        if counted.days.start <= story.claim.reported_at < counted.days.until:
            of_branch[story.claim.branch_id].append(story)
    branches = sorted(
        checker.counts.branches.values(), key=lambda one: [int(n) for n in one.path.split("/") if n]
    )
    losses = {one.id: _Losses(of_branch[one.id], checker) for one in branches if one.id in of_branch}
    names = {one.id: one.name for one in branches}
    whole = _Losses([one for own in of_branch.values() for one in own], checker)
    hours = [(names[key], *_hours(own)) for key, own in losses.items()]
    checker.check_rows("hours_by_branch", hours, (None, *_hours(whole)))
    kinds = [
        (names[key], kind, count, Ratio(count, len(own.own)))
        for key, own in losses.items()
        for kind, count in _commonest(own.kinds(), 5)
    ]
    checker.check_rows("kinds_by_branch", kinds)
    places = [
        (names[key], place, count)
        for key, own in losses.items()
        for place, count in _commonest(Counter(one.claim.place for one in own.own), 3)
        if count > 1
    ]
    checker.check_rows("places_by_branch", places)
    _check_proposals(checker, counted, names, losses, whole)


def _hours(own: _Losses) -> tuple[Any, ...]:
    return (len(own.own), *own.hours(), own.share(lambda one: one.claim.is_urban))


def _commonest(counts: Counter[str], most: int) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]


def _check_proposals(
    checker: Checker, counted: Counted, names: dict[int, str], losses: dict[int, _Losses], whole: _Losses
) -> None:
    account = whole.figures(counted.whole())
    groups: list[list[tuple[Any, ...]]] = []
    for key, name in names.items():
        own = losses.get(key, _Losses([], checker))
        figures = own.figures(counted.branch(key))
        if not any(one.whole or one.part for one in figures.values()):
            continue
        found = [code for code in _LINES if _holds(code, figures[code], account[code], len(own.own))]
        rows: list[tuple[Any, ...]] = [
            (name, code, code, *_percents(figures[code], account[code]), Decimal(_LINES[code][0]))
            for code in found
        ]
        if not found:
            shown = _percents(figures["driver_training"], account["driver_training"])
            rows.append((name, "keep_as_is", "keep_as_is", *shown, None))
        groups.append(rows)
    order = [*_LINES, "keep_as_is"]
    groups.sort(key=lambda own: order.index(own[0][1]))
    checker.check_rows("proposals", [row for own in groups for row in own])


def _holds(code: str, figure: Ratio, account: Ratio, claims: int) -> bool:
    line, least = _LINES[code]
    if claims < least or not figure.whole:
        return False
    if code == "close_gaps":
        return figure.part > 0
    percent = Decimal(100 * figure.part) / figure.whole
    if code != "driver_training":
        return percent >= line
    if account.whole <= 0 or account.part <= 0:
        return False
    return 100 * figure.part * account.whole >= line * account.part * figure.whole


def _percents(*ratios: Ratio) -> list[Decimal | None]:
    return [
        (Decimal(one.part) * 100 / one.whole).quantize(Decimal("0.1"), ROUND_HALF_UP)
        if one.whole > 0
        else None
        for one in ratios
    ]
