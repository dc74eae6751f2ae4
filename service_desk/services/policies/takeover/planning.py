"""What a list of policies means for the policies and covers on record.

Pure, and used by the dry run and again by the commit, so that what was shown is what is done.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

from service_desk.base.money import format_yuan, to_fen
from service_desk.models.fleet import RowVerdict
from service_desk.rules.identifiers import has_right_check_digit, use_class_of
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.policy_list import Statement
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services.fleet.planning import Known
from service_desk.services.policies.takeover.facts import Answers, Held, Outcome, Record
from service_desk.services.policies.takeover.stated import cover_set_of, covers_of, unpaid_fen

# A list's expiry within a month of the policy's end means the same term, told less exactly.
_SAME_TERM = timedelta(days=31)
_VIN_END = 6
_NEEDED_TO_ADD = ("vin", "branch_id", "use_class")


def plan(statements: Sequence[Statement], record: Record, answers: Answers) -> list[Outcome]:
    """Match each row to a vehicle and say what it does, in the order of the rows."""
    return _Plan(statements, record, answers).outcomes()


class _Plan:
    """One pass over a list. `open` are the rows that nothing speaks against so far."""

    def __init__(self, statements: Sequence[Statement], record: Record, answers: Answers) -> None:
        self._rows = statements
        self._record = record
        self._answers = answers
        self._found = [Outcome() for _ in statements]
        self._by_id = {one.id: one for one in record.vehicles}
        self._by_vin = {one.values["vin"]: one for one in record.vehicles if one.values["vin"]}
        self._by_plate = {one.values["plate"]: one for one in record.vehicles if one.values["plate"]}

    def outcomes(self) -> list[Outcome]:
        """Go through the questions in an order in which each may count on those before."""
        self._same_numbers()
        for index in self._open():
            self._find_vehicle(index)
        self._added_once()
        for index in self._open():
            self._say(index)
        self._known_numbers()
        self._external_once()
        self._overlaps_in_file()
        for index in self._open():
            self._against_covers(index)
        self._holes()
        return self._found

    def _open(self) -> list[int]:
        return [index for index, one in enumerate(self._found) if one.verdict is RowVerdict.NEW]

    def _grouped(self, key: Callable[[int], Hashable]) -> list[list[int]]:
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for index in self._open():
            groups[key(index)].append(index)
        return list(groups.values())

    def _places(self, indexes: Iterable[int], but: int) -> list[list[Any]]:
        return [[self._rows[one].sheet, self._rows[one].row] for one in indexes if one != but]

    # One number on several rows

    def _same_numbers(self) -> None:
        for group in self._grouped(lambda index: self._rows[index].number):
            first, rest = group[0], group[1:]
            for index in rest:
                if _says_the_same(self._rows[first], self._rows[index]):
                    self._skip(index, "same_as_earlier", first)
            rest = [index for index in rest if self._found[index].verdict is RowVerdict.NEW]
            if not rest:
                continue
            if _are_parts([self._rows[index] for index in (first, *rest)]):
                for index in rest:
                    self._skip(index, "part_of", first)
                self._found[first].params["parts"] = rest
            else:
                for index in (first, *rest):
                    others = self._places((first, *rest), index)
                    self._found[index].refuse(
                        "number_twice", "number", self._rows[index].number, others=others
                    )

    def _skip(self, index: int, code: str, first: int) -> None:
        outcome = self._found[index]
        outcome.verdict, outcome.code = RowVerdict.SKIPPED, code
        outcome.params["others"] = [[self._rows[first].sheet, self._rows[first].row]]

    # Whose policy it is

    def _find_vehicle(self, index: int) -> None:
        row, outcome = self._rows[index], self._found[index]
        holder = self._by_plate.get(row.plate)
        known = self._record.numbers.get(row.number)
        if known is not None and self._may_be(row, self._by_id.get(known.vehicle_id or 0)):
            outcome.vehicle_id = known.vehicle_id
        elif row.place in self._answers.vehicles:
            self._take_answer(index, self._answers.vehicles[row.place])
        elif row.vin_is_whole and row.vin in self._by_vin:
            outcome.vehicle_id = self._by_vin[row.vin].id
            if row.plate and row.plate != self._by_vin[row.vin].values["plate"]:
                outcome.warn("plate_differs")
        elif holder is None:
            self._unknown(index)
        elif row.vin is None or not holder.values["vin"]:
            outcome.vehicle_id = holder.id
        elif row.vin[-_VIN_END:] == holder.values["vin"][-_VIN_END:]:
            outcome.verdict, outcome.code = RowVerdict.QUESTION, "which_vehicle"
            outcome.field, outcome.value = "vin", row.vin
            outcome.params.update(
                holder=holder.values["vin"], plate=holder.values["plate"], vehicle=holder.id, vin=row.vin
            )
        else:
            outcome.refuse("plate_of_another", "vin", row.vin, holder=holder.values["vin"], plate=row.plate)

    def _may_be(self, row: Statement, vehicle: Known | None) -> bool:
        """Whether the vehicle of a number on record is the row's: then it was asked and answered before."""
        if vehicle is None:
            return False
        ends_alike = row.vin is None or row.vin[-_VIN_END:] == (vehicle.values["vin"] or "")[-_VIN_END:]
        return ends_alike and (row.plate is None or row.plate == vehicle.values["plate"] or row.vin_is_whole)

    def _take_answer(self, index: int, vehicle_id: int) -> None:
        if vehicle_id in self._by_id:
            self._found[index].vehicle_id = vehicle_id
        else:
            self._found[index].refuse("not_that_vehicle", "vin", self._rows[index].vin or "")

    def _unknown(self, index: int) -> None:
        """A vehicle that is not on record may be added when the row says what a vehicle needs."""
        row, outcome = self._rows[index], self._found[index]
        if row.vin and not row.vin_is_whole:
            outcome.refuse("vin_invalid", "vin", row.vin)
            return
        facts = self._vehicle_facts(row)
        missing = [name for name in _NEEDED_TO_ADD if not facts.get(name)]
        if missing:
            value = row.plate or row.vin or ""
            outcome.refuse("vehicle_unknown", "plate" if row.plate else "vin", value, missing=missing)
        elif row.vin in self._answers.add:
            outcome.values["adds"] = facts
            if row.vin and not has_right_check_digit(row.vin):
                outcome.warn("vin_check_digit")
        else:
            outcome.refuse("vehicle_may_be_added", "vin", row.vin or "", vin=row.vin)

    def _vehicle_facts(self, row: Statement) -> dict[str, Any]:
        facts = row.vehicle
        stated = {
            "plate": row.plate,
            "vin": row.vin,
            "engine_no": facts.engine_no,
            "model": facts.model,
            "use_class": use_class_of(facts.use_class),
            "seats": facts.seats,
            "load_kg": facts.load_kg,
            "registered_on": facts.registered_on,
            "branch_id": self._record.branch_ids.get(row.branch or ""),
        }
        return {name: getattr(value, "value", value) for name, value in stated.items() if value}

    def _added_once(self) -> None:
        """A plate belongs to one vehicle: rows that would add two with it contradict one another."""
        adding = [index for index in self._open() if "adds" in self._found[index].values]
        by_plate: dict[str, list[int]] = defaultdict(list)
        for index in adding:
            if self._rows[index].plate:
                by_plate[self._rows[index].plate or ""].append(index)
        for plate, group in by_plate.items():
            if len({self._rows[index].vin for index in group}) > 1:
                for index in group:
                    self._found[index].refuse("conflict", "plate", plate, others=self._places(group, index))

    def _vehicle_key(self, index: int) -> Hashable:
        return self._found[index].vehicle_id or self._rows[index].vin

    # What it says, as it is written down

    def _say(self, index: int) -> None:
        row, outcome = self._rows[index], self._found[index]
        parts = [row, *(self._rows[part] for part in outcome.params.get("parts", []))]
        is_ours = row.insurer in self._answers.ours or self._record.is_ours(row.insurer)
        premium = sum((part.premium or Decimal(0) for part in parts), Decimal(0))
        if is_ours and all(part.premium is None for part in parts):
            outcome.refuse("premium_missing", "premium")
            return
        tax_fen = sum(to_fen(part.tax) for part in parts if part.tax)
        unpaid = unpaid_fen(parts)
        if is_ours and (unpaid or 0) > to_fen(premium) + tax_fen:
            outcome.refuse("unpaid_exceeds_premium", "unpaid", format_yuan(unpaid or 0))
            return
        vehicle = self._by_id.get(outcome.vehicle_id or 0)
        facts: Mapping[str, Any] = vehicle.values if vehicle else outcome.values.get("adds", {})
        branch_id = self._record.branch_ids.get(row.branch or "")
        if branch_id and facts.get("branch_id") != branch_id:
            outcome.warn("branch_differs")
        covers = covers_of(row.line, parts, facts.get("seats") or 0)
        if is_ours and row.line is not PolicyLine.CTPL and not any(one["limit_fen"] for one in covers):
            outcome.warn("limits_unknown")
        outcome.values |= {
            "line": row.line.value,
            "number": row.number,
            "insurer": row.insurer or "",
            "is_ours": is_ours,
            "plate": row.plate,
            "vin": row.vin if row.vin_is_whole else None,
            "starts_at": row.starts_at.isoformat(),
            "ends_at": row.ends_at.isoformat(),
            "premium_fen": to_fen(premium) if any(part.premium is not None for part in parts) else None,
            "tax_fen": tax_fen,
            "unpaid_fen": unpaid,
            "covers": covers,
            "cover_set": cover_set_of(row.line, covers),
            "branch_id": facts.get("branch_id"),
        }

    # What is on record already

    def _known_numbers(self) -> None:
        for index in self._open():
            row, outcome = self._rows[index], self._found[index]
            known = self._record.numbers.get(row.number)
            if known is None or not outcome.values["is_ours"]:
                continue
            stated = (
                outcome.vehicle_id,
                row.line,
                row.starts_at,
                row.ends_at,
                outcome.values["premium_fen"],
            )
            on_record = (known.vehicle_id, known.line, known.starts_at, known.ends_at, known.premium_fen)
            if stated == on_record:
                outcome.verdict = RowVerdict.UNCHANGED
            elif known.vehicle_id is None:
                outcome.refuse("number_elsewhere", "number", row.number)
            else:
                names = ("vehicle", "line", "starts_on", "ends_on", "premium")
                differs = [name for name, a, b in zip(names, stated, on_record, strict=True) if a != b]
                outcome.refuse("number_known_otherwise", "number", row.number, differs=differs)

    def _external_once(self) -> None:
        """Of another insurer one term a line is kept for a vehicle: the one that ends last."""
        for group in self._grouped(
            lambda index: (
                index
                if self._found[index].values["is_ours"]
                else (self._vehicle_key(index), self._rows[index].line)
            )
        ):
            last = max(group, key=lambda index: self._rows[index].ends_at)
            for index in group:
                if index != last:
                    self._skip(index, "older_term", last)

    def _overlaps_in_file(self) -> None:
        clashing: dict[int, list[int]] = defaultdict(list)
        for group in self._grouped(lambda index: (self._vehicle_key(index), self._rows[index].line)):
            for one, other in combinations(group, 2):
                a, b = self._rows[one], self._rows[other]
                if self._layers(one) & self._layers(other) and _overlap(a, b.starts_at, b.ends_at):
                    clashing[one].append(other)
                    clashing[other].append(one)
        for index, others in clashing.items():
            places = self._places(others, index)
            self._found[index].refuse("overlaps_row", "starts_on", self._rows[index].number, others=places)

    def _layers(self, index: int) -> frozenset[CoverCode]:
        return frozenset(CoverCode(one["code"]) for one in self._found[index].values["covers"])

    def _against_covers(self, index: int) -> None:
        row, outcome = self._rows[index], self._found[index]
        held = self._record.covers.get(outcome.vehicle_id or 0, ())
        own = [one for one in held if one.line is row.line]
        for one in own:
            if one.is_noted or (one.is_external and not outcome.values["is_ours"]):
                continue
            if one.layers & self._layers(index) and _overlap(row, one.begins, one.ends_at):
                outcome.refuse(
                    "overlaps_cover",
                    "starts_on",
                    row.number,
                    name=one.name,
                    line=row.line.value,
                    ends_on=last_covered_day(one.ends_at).isoformat(),
                )
                return
        self._replace_external(index, [one for one in own if one.is_external])

    def _replace_external(self, index: int, external: Sequence[Held]) -> None:
        """At most one cover known from elsewhere is on record for a vehicle and line."""
        row, outcome = self._rows[index], self._found[index]
        for one in external:
            if outcome.values["is_ours"]:
                if one.is_noted and one.ends_at <= row.ends_at + _SAME_TERM:
                    outcome.before = {"until": one.ends_at.isoformat()}
            elif not one.is_noted and _is_said_already(row, one, outcome):
                outcome.verdict = RowVerdict.UNCHANGED
            elif not one.is_noted and one.ends_at > row.ends_at:
                outcome.verdict, outcome.code = RowVerdict.SKIPPED, "older_than_known"
                outcome.params["until"] = last_covered_day(one.ends_at).isoformat()
            else:
                outcome.verdict = RowVerdict.CHANGED
                outcome.before = {"until": one.ends_at.isoformat()}

    def _holes(self) -> None:
        """Warn where nothing covers the time from the term before to this one."""
        kept = [i for i, one in enumerate(self._found) if one.verdict in {RowVerdict.NEW, RowVerdict.CHANGED}]
        ends: dict[tuple[Hashable, CoverCode], list[datetime]] = defaultdict(list)
        for index in kept:
            for code in self._layers(index):
                ends[self._vehicle_key(index), code].append(self._rows[index].ends_at)
        for index in kept:
            row, days = self._rows[index], 0
            for code in self._layers(index):
                held = self._record.covers.get(self._found[index].vehicle_id or 0, ())
                before = [
                    *(one.ends_at for one in held if code in one.layers),
                    *ends[self._vehicle_key(index), code],
                ]
                latest = max((end for end in before if end <= row.starts_at), default=row.starts_at)
                days = max(days, (row.starts_at - latest).days)
            if days:
                self._found[index].warn("cover_hole")
                self._found[index].params["hole_days"] = days


def _says_the_same(one: Statement, other: Statement) -> bool:
    return _without_place(one) == _without_place(other)


def _without_place(row: Statement) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in Statement.__slots__ if name not in {"sheet", "row"})


def _are_parts(rows: Sequence[Statement]) -> bool:
    """Whether rows are the covers of one policy, a row each: the same but for cover, limit and money."""
    heads = {(r.line, r.insurer, r.plate, r.vin, r.starts_at, r.ends_at) for r in rows}
    codes = [code for row in rows for code in row.covers]
    return len(heads) == 1 and all(row.covers for row in rows) and len(set(codes)) == len(codes)


def _overlap(row: Statement, starts_at: datetime, ends_at: datetime) -> bool:
    return row.starts_at < ends_at and starts_at < row.ends_at


def _is_said_already(row: Statement, one: Held, outcome: Outcome) -> bool:
    stated = (row.starts_at, row.ends_at, row.number, outcome.values["premium_fen"])
    return stated == (one.starts_at, one.ends_at, one.name, one.premium_fen)
