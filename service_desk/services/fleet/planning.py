"""What a client's list means for the vehicles on record.

Pure, and used by the dry run and again by the commit, so that what was shown is what is done.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

from service_desk.models.fleet import RowVerdict
from service_desk.rules.fleet_list import Place

PLATE_TAKEN = "plate_taken_by"
VEHICLE_TWICE = "vehicle_twice"
TEXT_TOO_LONG = "text_too_long"
APPROVED_AS_REQUESTED = "approved_as_requested"
APPROVED_FIELDS = ("plate", "vin", "use_class", "branch_id")
"""What the group approves of a new vehicle: until it is insured only what is still empty of it is filled in."""

COVER_FIELDS = {"ctpl_expires_on": "ctpl", "commercial_expires_on": "commercial"}
"""The fields of a list that are about cover, with the line each is about."""

_MOST_LETTERS = {"engine_no": 64, "model": 200}


@dataclass(frozen=True)
class Known:
    """A vehicle on record, as a list can speak of it.

    `values` has every field a list can state, in JSON form (dates as ISO text, None for unknown).
    `own_until` is the last day covered by our own policies, by line. `is_pending`: the group has approved it as
    it is, and it is not insured yet.
    """

    id: int
    version: int
    values: Mapping[str, Any]
    own_until: Mapping[str, str] = made(default_factory=dict)
    is_pending: bool = False


@dataclass(frozen=True)
class Statement:
    """What a row says of a vehicle: the fields of `Known.values`, empty cells left out."""

    place: Place
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a row does. `before` holds the old values of what it changes; `code` says why it is refused."""

    verdict: RowVerdict
    vehicle_id: int | None = None
    before: dict[str, Any] | None = None
    code: str = ""
    field: str = ""
    value: str = ""
    params: dict[str, Any] = made(default_factory=dict)


def plan(statements: Sequence[Statement], known: Sequence[Known]) -> list[Outcome]:
    """Match each row to a vehicle and say what it does, in the order of the rows.

    A vehicle is found by its VIN; without one, or when the vehicle's VIN is not on record yet, by its plate.
    A plate may move to another vehicle only when the list gives its present holder another one, so that
    swaps within a list work and none is taken away silently. An empty cell never erases what is known.
    """
    fleet = _Fleet(known)
    targets = [fleet.find(statement.values) for statement in statements]
    refused = _unstorable(statements)
    _refuse_second_rows(statements, refused, lambda index: _identity(targets[index]))
    _refuse_second_rows(statements, refused, lambda index: statements[index].values.get("plate"))
    _refuse_taken_plates(statements, targets, fleet, refused)
    return [
        refused[index] if index in refused else _outcome(statement, target)
        for index, (statement, target) in enumerate(zip(statements, targets, strict=True))
    ]


class _Fleet:
    """The vehicles on record by VIN and by plate."""

    def __init__(self, known: Sequence[Known]) -> None:
        self.by_vin = {one.values["vin"]: one for one in known if one.values["vin"]}
        self.by_plate = {one.values["plate"]: one for one in known if one.values["plate"]}

    def find(self, values: Mapping[str, Any]) -> Known | None:
        vin, holder = values.get("vin"), self.by_plate.get(values.get("plate"))
        if vin in self.by_vin:
            return self.by_vin[vin]
        if holder is not None and (not vin or not holder.values["vin"]):
            return holder
        return None


def _identity(target: Known | None) -> int | None:
    return target.id if target else None


def _unstorable(statements: Sequence[Statement]) -> dict[int, Outcome]:
    """Refuse text longer than its column; cut short it would be something else."""
    refused = {}
    for index, statement in enumerate(statements):
        for name, most in _MOST_LETTERS.items():
            text = statement.values.get(name) or ""
            if len(text) > most:
                refused[index] = _refusal(TEXT_TOO_LONG, name, text, most=most)
    return refused


def _refuse_second_rows(
    statements: Sequence[Statement], refused: dict[int, Outcome], key: Callable[[int], Hashable]
) -> None:
    """Of several rows about one vehicle, keep the one that gives its VIN; without one, keep none."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index in range(len(statements)):
        if index not in refused and key(index) is not None:
            groups[key(index)].append(index)
    for group in groups.values():
        named = [index for index in group if statements[index].values.get("vin")]
        kept = named[0] if len(named) == 1 else None
        for index in group if len(group) > 1 else []:
            if index != kept:
                others = [statements[other].place for other in group if other != index]
                refused[index] = _refusal(
                    VEHICLE_TWICE,
                    "plate",
                    statements[index].values.get("plate") or "",
                    others=[[place.sheet, place.row] for place in others],
                )


def _refuse_taken_plates(
    statements: Sequence[Statement],
    targets: Sequence[Known | None],
    fleet: _Fleet,
    refused: dict[int, Outcome],
) -> None:
    leaving = {
        target.id
        for index, (statement, target) in enumerate(zip(statements, targets, strict=True))
        if target and index not in refused and _gets_another_plate(statement, target)
    }
    was_refused = True
    # A refused row keeps its vehicle on the old plate, which another row may have counted on.
    while was_refused:
        was_refused = False
        for index, (statement, target) in enumerate(zip(statements, targets, strict=True)):
            plate = statement.values.get("plate")
            holder = fleet.by_plate.get(plate)
            if index in refused or holder is None or holder is target or holder.id in leaving:
                continue
            refused[index] = _refusal(
                PLATE_TAKEN, "plate", str(plate), holder=holder.values["vin"] or "—", holder_id=holder.id
            )
            if target:
                leaving.discard(target.id)
            was_refused = True


def _gets_another_plate(statement: Statement, target: Known) -> bool:
    plate = statement.values.get("plate")
    return bool(plate) and plate != target.values["plate"]


def _outcome(statement: Statement, target: Known | None) -> Outcome:
    if target is None:
        return Outcome(RowVerdict.NEW)
    before = {
        name: target.values[name]
        for name, value in statement.values.items()
        if value != target.values[name] and not _is_known_better(name, value, target)
    }
    for name in APPROVED_FIELDS if target.is_pending else ():
        if before.get(name) is not None:
            return _refusal(APPROVED_AS_REQUESTED, name, str(statement.values[name]))
    verdict = RowVerdict.CHANGED if before else RowVerdict.UNCHANGED
    return Outcome(verdict, target.id, before or None)


def _is_known_better(name: str, value: str, target: Known) -> bool:
    """Whether our own policy of the line runs as long as the list says, or longer."""
    line = COVER_FIELDS.get(name)
    return line is not None and target.own_until.get(line, "") >= value


def _refusal(code: str, field_name: str, value: str, **params: Any) -> Outcome:
    return Outcome(RowVerdict.REJECTED, code=code, field=field_name, value=value[:200], params=params)
