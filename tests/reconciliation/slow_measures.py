"""Every measure of the registry out of the slow counts, written anew from the words of its definition."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from service_desk.rules.metrics import Mean, MeasureCode, Ratio
from tests.reconciliation.contacts import count_contacts
from tests.reconciliation.records import Rows
from tests.reconciliation.slow_claims import Story, count_claims, stories_of
from tests.reconciliation.slow_clocks import Judged, count_clocks, judged_clocks
from tests.reconciliation.slow_cover import (
    YEAR,
    Garage,
    Insured,
    count_cover,
    count_exposure,
    count_premium,
    count_receivables,
    count_renewals,
    garage_of,
    insured_of,
)
from tests.reconciliation.span import Days, Groups, Sums

C = MeasureCode
Values = dict[MeasureCode, Any]


class SlowCounts:
    """The rows of an account made ready to be counted over any period, each period once."""

    def __init__(self, rows: Rows, account_id: int, now: datetime) -> None:
        account = next(one for one in rows["key_accounts"] if one.id == account_id)
        self.rows, self.account_id, self.account = rows, account_id, account
        self.zone, self.now = ZoneInfo(account.zone), now
        self.stories: list[Story] = stories_of(rows, account_id)
        self.clocks: list[Judged] = judged_clocks(rows, account_id, now)
        self.book: list[Insured] = insured_of(rows, account_id)
        self.garage: Garage = garage_of(rows, account_id)
        self.branches = {one.id: one for one in rows["branches"] if one.account_id == account_id}
        self._known: dict[tuple[date, date], Counted] = {}

    def days(self, first: date, last: date) -> Days:
        return Days(first, last, self.zone, self.now)

    def over(self, first: date, last: date) -> "Counted":
        """The counts of a period, both days included."""
        if (first, last) not in self._known:
            self._known[first, last] = Counted(self, self.days(first, last))
        return self._known[first, last]


@dataclass
class Counted:
    """A period's counts; each kind is counted when it is first asked for."""

    of: SlowCounts
    days: Days
    _values: dict[Any, "Reader"] = field(default_factory=dict)

    @cached_property
    def claims(self) -> Groups[Sums]:
        return count_claims(self.of.stories, self.days)

    @cached_property
    def clocks(self) -> Groups[Sums]:
        return count_clocks(self.of.clocks, self.days)

    @cached_property
    def premium(self) -> Groups[Sums]:
        return count_premium(self.of.book, self.days)

    @cached_property
    def exposure(self) -> Groups[Sums]:
        return count_exposure(self.of.book, self.days)

    @cached_property
    def cover(self) -> Groups[Sums]:
        return count_cover(self.of.garage, self.days, whole=False)

    @cached_property
    def cover_days(self) -> Groups[Sums]:
        return count_cover(self.of.garage, self.days, whole=True)

    @cached_property
    def receivables(self) -> Groups[Sums]:
        return count_receivables(self.of.rows, self.of.account_id, self.days)

    @cached_property
    def contacts(self) -> Groups[Sums]:
        return count_contacts(self.of.rows, self.of.account_id, self.days)

    def renewals(self, group: str, key: Any) -> Sums:
        classes = {one.id: one.use_class or "" for one in self.of.garage.vehicles}
        by = {
            "whole": None,
            "branch": lambda policy: policy.branch_id,
            "class": lambda policy: classes[policy.vehicle_id],
        }[group]
        if group not in self.__dict__.setdefault("_renewals", {}):
            self.__dict__["_renewals"][group] = count_renewals(self.of.book, self.days, by)
        found: Sums = self.__dict__["_renewals"][group].get(key, Sums())
        return found

    def whole(self) -> "Reader":
        return self._reader("whole", None)

    def branch(self, branch_id: int) -> "Reader":
        return self._reader("branch", branch_id)

    def use_class(self, code: str) -> "Reader":
        return self._reader("class", code)

    def _reader(self, group: str, key: Any) -> "Reader":
        if (group, key) not in self._values:
            self._values[group, key] = Reader(self, group, key)
        return self._values[group, key]


class Reader(Mapping[MeasureCode, Any]):
    """The measures of a group, each worked out when asked for."""

    def __init__(self, counted: Counted, group: str, key: Any) -> None:
        self._counted, self._group, self._key = counted, group, key
        self._sums: dict[str, Sums] = {}

    def __iter__(self) -> Any:
        return iter(MeasureCode)

    def __len__(self) -> int:
        return len(MeasureCode)

    def sums(self, kind: str) -> Sums:
        """The numbers of a kind of count."""
        if kind not in self._sums:
            if kind == "renewals":
                self._sums[kind] = self._counted.renewals(self._group, self._key)
            else:
                groups: Groups[Sums] = getattr(self._counted, kind)
                pick = {"branch": groups.of_branch, "class": groups.of_class}.get(self._group)
                self._sums[kind] = pick(self._key) if pick else groups.whole()
        return self._sums[kind]

    def __getitem__(self, code: MeasureCode) -> Any:
        for kind, formulas in _FORMULAS.items():
            if code in formulas:
                return formulas[code](self.sums(kind))
        return _MIXED[code](self)


def _median(days: list[int]) -> Decimal | None:
    ordered, number = sorted(days), len(days)
    if not number:
        return None
    return Decimal(ordered[(number - 1) // 2] + ordered[number // 2]) / 2


def _ninth(days: list[int]) -> int | None:
    """What nine in ten did not exceed: the first value that so many are not above."""
    for value in sorted(set(days)):
        if sum(one <= value for one in days) * 10 >= len(days) * 9:
            return value
    return None


def _average(total: int, number: int) -> int | None:
    """To the fen, half up."""
    if not number:
        return None
    return int((Decimal(total) / number).quantize(Decimal(1), ROUND_HALF_UP))


def _open_to_closed(s: Sums) -> Ratio:
    settled = s.get("settled", [])
    above = _average(s["outstanding"], s["open_end"])
    below = _average(sum(paid for _first, paid in settled), len(settled))
    return Ratio() if above is None or below is None else Ratio(above, below)


def _deviation(s: Sums) -> Ratio:
    settled = s.get("settled", [])
    return Ratio(sum(abs(first - paid) for first, paid in settled), sum(paid for _first, paid in settled))


def _deviation_net(s: Sums) -> Ratio:
    settled = s.get("settled", [])
    paid = sum(paid for _first, paid in settled)
    return Ratio(abs(sum(first for first, _paid in settled) - paid), paid)


def _of_step(s: Sums, step: str) -> Ratio:
    return Ratio(s[f"kept_{step}"], s[f"kept_{step}"] + s[f"broken_{step}"])


_CLAIMS: dict[MeasureCode, Any] = {
    C.CLAIMS_OPEN_START: lambda s: s["open_start"],
    C.CLAIMS_REPORTED: lambda s: s["reported"],
    C.CLAIMS_REOPENED: lambda s: s["reopened"],
    C.CLAIMS_CLOSED: lambda s: s["closed"],
    C.CLAIMS_OPEN_END: lambda s: s["open_end"],
    C.CLAIMS_WITHDRAWN: lambda s: s["left_withdrawn"],
    C.CLAIMS_DENIED: lambda s: s["left_denied"],
    C.CLAIMS_DISPUTED: lambda s: s["disputed"],
    C.LARGE_LOSSES: lambda s: s["large"],
    C.INJURY_CLAIMS: lambda s: s["injured"],
    C.ESTIMATE_REPORTED: lambda s: s["estimate"],
    C.PAID_NET: lambda s: s["paid_net"],
    C.OUTSTANDING: lambda s: s["outstanding"],
    C.OUTSTANDING_LARGE: lambda s: s["outstanding_large"],
    C.INJURY_SHARE: lambda s: Ratio(s["outstanding_injured"], s["outstanding"]),
    C.OPEN_TO_CLOSED_AVERAGE: _open_to_closed,
    C.ESTIMATE_DEVIATION: _deviation,
    C.ESTIMATE_DEVIATION_NET: _deviation_net,
    C.RESERVE_OPEN: lambda s: s["reserve_open"],
    C.RESERVE_NEW: lambda s: s["reserve_new"],
    C.RESERVE_REOPENED: lambda s: s["reserve_reopened"],
    C.RESERVE_INCREASE: lambda s: s["reserve_increase"],
    C.RESERVE_DECREASE: lambda s: s["reserve_decrease"],
    C.RESERVE_PAID: lambda s: s["reserve_paid"],
    C.RESERVE_RELEASED: lambda s: s["reserve_released"],
    C.RESERVE_CLOSE: lambda s: s["reserve_close"],
    C.CLOSING_RATE: lambda s: Ratio(s["closed"], s["open_start"] + s["reported"] + s["reopened"]),
    C.CLOSING_RATE_AMOUNT: lambda s: Ratio(s["book_closed"], s["book_closed"] + s["book_open"]),
    C.ROLLING_CLOSING_RATE: lambda s: Ratio(s["rolling_closed"], s["rolling"]),
    C.CLOSING_CYCLE: lambda s: Mean(sum(s.get("days", [])), len(s.get("days", []))),
    C.CLOSING_CYCLE_MEDIAN: lambda s: _median(s.get("days", [])),
    C.CLOSING_CYCLE_P90: lambda s: _ninth(s.get("days", [])),
    C.REGISTERED_IN_TIME: lambda s: Ratio(s["registered"], s["to_register"]),
    C.OPEN_OVER_30_DAYS: lambda s: Ratio(s["over_30"], s["open_end"]),
    C.FIRST_SCENE: lambda s: Ratio(s["scenes_first"], s["scenes"]),
    C.FOLLOWED_UP: lambda s: Ratio(s["asked"], s["to_ask"]),
    C.FOLLOW_UP_SCORE: lambda s: Mean(s["score"], s["asked"]),
    C.DISSATISFIED: lambda s: Ratio(s["dissatisfied"], s["asked"]),
    C.REPORTED_LOSS: lambda s: s["loss"],
    C.AVERAGE_LOSS: lambda s: Mean(s["loss"], s["reported"]),
}
_CLOCKS: dict[MeasureCode, Any] = {
    C.PROMISES_KEPT: lambda s: Ratio(s["kept"], s["kept"] + s["broken"]),
    C.SURVEYED_IN_TIME: lambda s: _of_step(s, "survey"),
    C.FIRST_REPLY_IN_TIME: lambda s: _of_step(s, "first_reply"),
    C.COMPLAINTS_ANSWERED_IN_TIME: lambda s: _of_step(s, "complaint"),
    C.MESSAGES_ANSWERED_IN_TIME: lambda s: _of_step(s, "message_reply"),
    C.BREACHES: lambda s: s["broken"],
    C.BREACHES_UNREVIEWED: lambda s: s["unreviewed"],
    C.CLOCKS_AT_RISK: lambda s: s["at_risk"],
    C.CLOCKS_LATE: lambda s: s["late"],
}
_FORMULAS: dict[str, dict[MeasureCode, Any]] = {
    "claims": _CLAIMS,
    "clocks": _CLOCKS,
    "contacts": {
        C.ENQUIRIES_LOGGED: lambda s: s["logged"],
        C.COMPLAINTS: lambda s: s["complaints"],
        C.REPEAT_CONTACT_RATE: lambda s: Ratio(s["repeated"], s["logged"]),
        C.FIRST_CONTACT_CLOSURE: lambda s: Ratio(s["at_first"], s["closed"]),
    },
    "premium": {
        C.POLICIES_ISSUED: lambda s: s["policies"],
        C.WRITTEN_PREMIUM: lambda s: s["issued"] + s["endorsed"] + s["returned"],
        C.ENDORSEMENT_PREMIUM: lambda s: s["endorsed"],
        C.RETURNED_PREMIUM: lambda s: s["returned"],
        C.EARNED_PREMIUM: lambda s: s["earned"],
    },
    "cover": {
        C.OPERATING_VEHICLES: lambda s: s["operating"],
        C.COVERAGE: lambda s: Ratio(s["covered"], s["operating"]),
        C.UNINSURED_VEHICLES: lambda s: s["operating"] - s["covered"],
    },
    "cover_days": {C.COVERAGE_DAYS: lambda s: Ratio(s["covered_days"], s["operating_days"])},
    "renewals": {
        C.RENEWAL_DUE: lambda s: s["due"],
        C.RENEWAL_RATE: lambda s: Ratio(s["renewed"], s["due"]),
    },
    "receivables": {
        C.PREMIUM_RECEIVED: lambda s: s["received"],
        C.PREMIUM_OUTSTANDING: lambda s: s["open"],
        C.PREMIUM_OVERDUE: lambda s: s["overdue"],
    },
}
_MIXED: dict[MeasureCode, Any] = {
    C.EARNED_LOSS_RATIO: lambda r: Ratio(r[C.REPORTED_LOSS], r[C.EARNED_PREMIUM]),
    C.SIMPLE_LOSS_RATIO: lambda r: Ratio(r[C.REPORTED_LOSS], r[C.WRITTEN_PREMIUM]),
    C.CLAIM_FREQUENCY: lambda r: Ratio(r[C.CLAIMS_REPORTED] * YEAR, r.sums("exposure")["exposed"]),
}
