"""Looking premiums up for thousands of vehicles: each table is read once, and each price is found out once."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from typing import Any

from service_desk.base.errors import Invalid
from service_desk.rules import rating
from service_desk.rules.rating import CtplFloat, Premium, RateLine, VehicleFacts
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.policies import rates
from service_desk.services.policies.rates import PriceTable

# A code and its parameters.
Reason = tuple[str, Mapping[str, Any]]
# A premium with the id of its price line, or else why there is none.
Priced = tuple[Premium, int] | Reason


class Prices:
    """Premiums by what they depend on: a large fleet has few vehicles that differ in it.

    Each version of the tables is read once, and its lines are kept by cover set and class.
    """

    def __init__(self, account_id: int, today: date) -> None:
        self._account_id = account_id
        self._changes = rates.change_days(account_id, after=today)
        self._tables: dict[int, dict[PolicyLine, _CompiledTable]] = {}
        self._found: dict[tuple[Any, ...], Priced] = {}

    def find(
        self,
        day: date,
        line: PolicyLine,
        cover_set: str,
        facts: VehicleFacts,
        ctpl_float: CtplFloat | None,
    ) -> Priced:
        """The premium with the id of its price line, or else the reason why there is none."""
        version = bisect_right(self._changes, day)
        key = (version, line, cover_set, facts.use_class, facts.seats, facts.load_kg, ctpl_float)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._price(version, day, line, cover_set, facts, ctpl_float)
        return found

    def _price(
        self,
        version: int,
        day: date,
        line: PolicyLine,
        cover_set: str,
        facts: VehicleFacts,
        ctpl_float: CtplFloat | None,
    ) -> Priced:
        if version not in self._tables:
            in_force = rates.in_force(self._account_id, day)
            self._tables[version] = {one: _CompiledTable(table) for one, table in in_force.items()}
        table = self._tables[version].get(line)
        if table is None:
            return "no_price_table", {"line": line.value}
        try:
            return table.premium(line, cover_set, facts, ctpl_float or CtplFloat.A4)
        except Invalid as refusal:
            return refusal.code, refusal.params


class _CompiledTable:
    """A price table's lines by cover set and class."""

    def __init__(self, table: PriceTable) -> None:
        self._ids = table.ids
        self._lines: dict[tuple[str, UseClass], list[RateLine]] = {}
        for one in table.lines:
            self._lines.setdefault((one.cover_set, one.use_class), []).append(one)

    def premium(self, line: PolicyLine, cover_set: str, facts: VehicleFacts, ctpl_float: CtplFloat) -> Priced:
        own = self._lines.get((cover_set, facts.use_class), []) if facts.use_class else []
        premium = rating.premium_for(own, facts, line=line, cover_set=cover_set, ctpl_float=ctpl_float)
        return premium, self._ids[premium.rate]
