"""What a renewal would cost by the price table in force."""

from datetime import date

from service_desk.base.errors import Invalid
from service_desk.rules import rating
from service_desk.rules.rating import CtplFloat, VehicleFacts
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import rates


class Prices:
    """The present prices of an account; each vehicle's facts are looked up once."""

    def __init__(self, account_id: int, today: date) -> None:
        self._tables = rates.in_force(account_id, today)
        self._known: dict[tuple[VehicleFacts, PolicyLine, str, str], int | None] = {}

    def find(
        self, facts: VehicleFacts, line: PolicyLine, cover_set: str = "", ctpl_float: str = ""
    ) -> int | None:
        """Fen for a year with the same covers and float; None when the table has no price.

        Without a cover set (cover known from elsewhere) the line's first one is priced; a set that the table
        calls otherwise is, where the line has only one.
        """
        key = (facts, line, cover_set, ctpl_float)
        if key not in self._known:
            self._known[key] = self._look_up(*key)
        return self._known[key]

    def _look_up(self, facts: VehicleFacts, line: PolicyLine, cover_set: str, ctpl_float: str) -> int | None:
        table = self._tables.get(line)
        if table is None or not table.cover_sets:
            return None
        if not cover_set or len(table.cover_sets) == 1:
            cover_set = table.cover_sets[0]
        try:
            return rating.premium_for(
                table.lines,
                facts,
                line=line,
                cover_set=cover_set,
                ctpl_float=CtplFloat(ctpl_float) if ctpl_float else CtplFloat.A4,
            ).total_fen
        except Invalid:
            return None
