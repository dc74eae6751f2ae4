"""The form of a whole calculation: everything a claim can have, by sections that open where they are needed."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FormField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from service_desk.base.text import squeeze
from service_desk.forms.claims import StepForm
from service_desk.forms.fields import PlainForm, RowList, SelectField, YuanField
from service_desk.rules.settlement import Driver, Payer, Standing
from service_desk.rules.vocabulary import Fault
from service_desk.services.claims.stated import (
    CalculationInputs,
    PersonOnBoard,
    VehicleBeside,
    VictimLoss,
)

MOST_ROWS = 80
ROWS_AT_ONCE = 8
SHARE = (Optional(), NumberRange(min=0, max=100))


class Section(StrEnum):
    """The parts of the form."""

    VICTIMS = "victims"
    VEHICLES = "vehicles"
    DRIVER = "driver"
    OWN_DAMAGE = "own_damage"
    OCCUPANTS = "occupants"
    PASSENGERS = "passengers"
    OTHER_COVERS = "other_covers"


FIELDS: dict[Section, tuple[str, ...]] = {
    Section.VICTIMS: ("victims", "tpl_limit", "tpl_rate_percent", "payer"),
    Section.VEHICLES: ("vehicles", "trailer_limit", "is_trailer_elsewhere"),
    Section.DRIVER: ("driver", "driver_name", "rescue_cost", "is_injury_ordered"),
    Section.OWN_DAMAGE: (
        "own_damage", "is_total_loss", "own_sum", "received", "salvage", "own_rate_percent", "other_party", "rescue_fee",
        "rescue_vehicle", "rescue_uninsured", "uses_fault_ratio", "other_ctpl",
    ),
    Section.OCCUPANTS: ("occupants", "seat_limit"),
    Section.PASSENGERS: (
        "passengers", "passenger_limit", "passenger_deductible", "passenger_deductible_percent",
    ),
    Section.OTHER_COVERS: ("glass", "is_stolen", "theft_sum", "missing_documents"),
}  # fmt: skip
_USUAL = {Payer.ORDINARY.value, Driver.FIT.value}
MAX_LABEL = 60


class Row(PlainForm):
    """A row of a list; one that is empty is not there."""

    amounts: tuple[str, ...] = ()
    label: StringField

    @property
    def name(self) -> str:
        return squeeze(self.label.data or "")

    @property
    def is_filled(self) -> bool:
        """Whether anything was typed."""
        return bool(self.name) or any(self[name].data for name in self.amounts)

    def fen(self, name: str) -> int:
        return self[name].fen or 0

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """A name without an amount is half a row."""
        is_good = bool(super().validate(*args, **kwargs))
        if is_good and self.amounts and self.name and not any(self.fen(name) for name in self.amounts):
            self[self.amounts[0]].errors = [_("Enter an amount, or empty the name.")]
            return False
        return is_good


class VictimRow(Row):
    amounts = ("property_loss", "medical_loss", "death_loss")
    label = StringField(_l("Whose loss"), [Length(max=MAX_LABEL)])
    property_loss = YuanField(_l("Property (yuan)"))
    medical_loss = YuanField(_l("Medical (yuan)"))
    death_loss = YuanField(_l("Death and disability (yuan)"))


class VehicleRow(Row):
    label = StringField(_l("Plate"), [Length(max=MAX_LABEL)])
    standing = SelectField(_l("How it stands"))

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """A plate without its standing, or a standing without a plate, is half a row."""
        is_good = super().validate(*args, **kwargs)
        if is_good and bool(self.name) != bool(self.standing.data):
            self.standing.errors = [_("Enter the plate, and choose how the vehicle stands.")]
            return False
        return is_good


class OccupantRow(Row):
    amounts = ("loss", "ctpl")
    label = StringField(_l("Person on board"), [Length(max=MAX_LABEL)])
    loss = YuanField(_l("Loss (yuan)"))
    ctpl = YuanField(_l("Owed by the other side's CTPL (yuan)"))


class PassengerRow(Row):
    amounts = ("loss",)
    label = StringField(_l("Passenger"), [Length(max=MAX_LABEL)])
    loss = YuanField(_l("Loss (yuan)"))


class FullCalculationForm(StepForm):
    """All inputs of a calculation. `command` is what the service takes."""

    fault = SelectField(_l("Fault of our vehicle"), [InputRequired()])
    fault_percent = IntegerField(_l("Share by court decision (%)"), SHARE)
    deductible_waiver = BooleanField(_l("Deductible waiver cover (不计免赔)"))

    victims = RowList(FormField(VictimRow), _l("Others' losses"), max_entries=MOST_ROWS)
    tpl_limit = YuanField(_l("Third-party limit of the policy (yuan)"))
    tpl_rate_percent = IntegerField(_l("Further third-party deductible (%)"), SHARE)
    payer = SelectField(_l("Who pays the CTPL property item"))

    vehicles = RowList(FormField(VehicleRow), _l("Other vehicles that bear the loss"), max_entries=MOST_ROWS)
    trailer_limit = YuanField(_l("Third-party limit of our trailer (yuan)"))
    is_trailer_elsewhere = BooleanField(_l("The trailer is insured elsewhere"))

    driver = SelectField(_l("Driver"))
    driver_name = StringField(_l("Who has to pay it back"), [Length(max=MAX_LABEL)])
    rescue_cost = YuanField(_l("Medical rescue cost (yuan)"))
    is_injury_ordered = BooleanField(_l("A court orders the injuries to be paid"))

    own_damage = YuanField(_l("Repair of our vehicle (yuan)"))
    is_total_loss = BooleanField(_l("Total loss"))
    own_sum = YuanField(_l("Sum insured of our vehicle (yuan)"))
    received = YuanField(_l("Paid by the other side (yuan)"))
    salvage = YuanField(_l("Salvage kept (yuan)"))
    own_rate_percent = IntegerField(_l("Further own-damage deductible (%)"), SHARE)
    other_party = StringField(_l("Recover from"), [Length(max=MAX_LABEL)])
    rescue_fee = YuanField(_l("Towing and rescue (yuan)"))
    rescue_vehicle = YuanField(_l("Value of our vehicle (yuan)"))
    rescue_uninsured = YuanField(_l("Value of uninsured goods rescued (yuan)"))
    uses_fault_ratio = BooleanField(_l("Contract multiplies own damage by fault (2006 clauses)"))
    other_ctpl = YuanField(_l("Paid by the other side's CTPL (yuan)"))

    occupants = RowList(FormField(OccupantRow), _l("Persons on board"), max_entries=MOST_ROWS)
    seat_limit = YuanField(_l("Limit of a seat (yuan)"))

    passengers = RowList(FormField(PassengerRow), _l("Passengers"), max_entries=MOST_ROWS)
    passenger_limit = YuanField(_l("Limit a person (yuan)"))
    passenger_deductible = YuanField(_l("Fixed deductible a person (yuan)"))
    passenger_deductible_percent = IntegerField(_l("Deductible a person (%)"), SHARE)

    glass = YuanField(_l("Glass alone (yuan)"))
    is_stolen = BooleanField(_l("The vehicle was stolen and not found for 60 days"))
    theft_sum = YuanField(_l("Sum insured against theft (yuan)"))
    missing_documents = IntegerField(
        _l("Theft papers that are missing"), [Optional(), NumberRange(min=0, max=20)]
    )
    note = StringField(_l("Note"), [Length(max=500)])

    def offer(self, choices: Any) -> None:
        """Fill the selects; `choices(kind)` gives `(code, words)` in the reader's language."""
        for name in ("fault", "driver", "payer"):
            self[name].choices = choices(name if name == "fault" else f"calculation_{name}")
        for row in self.vehicles:
            row.form.standing.choices = [("", "—"), *choices("calculation_standing")]

    def widen(self, more: int) -> None:
        """Give every list so many empty rows more."""
        for rows in self._lists():
            for _number in range(min(more, MOST_ROWS - len(rows))):
                rows.append_entry()

    def _lists(self) -> tuple[RowList, ...]:
        return (self.victims, self.vehicles, self.occupants, self.passengers)

    def filled_sections(self) -> set[Section]:
        """The sections in which something stands, or stands wrong."""
        return {section for section, names in FIELDS.items() if any(self._is_filled(name) for name in names)}

    def _is_filled(self, name: str) -> bool:
        field = self[name]
        if isinstance(field, RowList):
            return any(row.form.is_filled or row.errors for row in field)
        is_empty = field.data is None or field.data is False or field.data == "" or field.data in _USUAL
        return bool(field.errors) or not is_empty

    def command(self) -> CalculationInputs:
        """What was typed; one loss without a name is not a list of victims."""
        rows = list(_filled(self.victims))
        unnamed = rows[0] if len(rows) == 1 and not rows[0].name else None
        lost = [
            VictimLoss(row.name, *(row.fen(amount) for amount in row.amounts))
            for row in rows
            if row is not unnamed
        ]
        return CalculationInputs(
            fault=Fault(self.fault.data),
            property_fen=unnamed.fen("property_loss") if unnamed else 0,
            medical_fen=unnamed.fen("medical_loss") if unnamed else 0,
            death_fen=unnamed.fen("death_loss") if unnamed else 0,
            victims=tuple(lost),
            vehicles=tuple(
                VehicleBeside(row.name, Standing(row.standing.data)) for row in _filled(self.vehicles)
            ),
            occupants=tuple(
                PersonOnBoard(row.name, row.fen("loss"), row.fen("ctpl")) for row in _filled(self.occupants)
            ),
            passengers=tuple(PersonOnBoard(row.name, row.fen("loss")) for row in _filled(self.passengers)),
            **self._single_fields(),
        )

    def _single_fields(self) -> dict[str, Any]:
        fen = {
            f"{name}_fen": self[name].fen or 0
            for name in ("own_damage", "received", "salvage", "rescue_cost", "trailer_limit", "other_ctpl",
                         "rescue_fee", "rescue_uninsured", "glass")
        }  # fmt: skip
        contract = {
            f"{name}_fen": self[name].fen
            for name in (
                "rescue_vehicle",
                "seat_limit",
                "passenger_limit",
                "passenger_deductible",
                "theft_sum",
                "tpl_limit",
                "own_sum",
            )
        }
        flags = {
            name: bool(self[name].data)
            for name in (
                "is_total_loss",
                "is_injury_ordered",
                "deductible_waiver",
                "uses_fault_ratio",
                "is_stolen",
            )
        }
        counts = {
            name: self[name].data or 0
            for name in ("tpl_rate_percent", "own_rate_percent", "missing_documents")
        }
        return fen | contract | flags | counts | {
            "fault_percent": self.fault_percent.data,
            "passenger_deductible_percent": self.passenger_deductible_percent.data,
            "driver": Driver(self.driver.data),
            "driver_name": squeeze(self.driver_name.data or ""),
            "payer": Payer(self.payer.data),
            "is_trailer_ours": not self.is_trailer_elsewhere.data,
            "other_party": squeeze(self.other_party.data or ""),
            "note": self.note.data or "",
        }  # fmt: skip


def _filled(rows: Any) -> Iterator[Any]:
    return (row.form for row in rows if row.form.is_filled)


_EMPTY = asdict(CalculationInputs(Fault.FULL))


def form_data(command: CalculationInputs) -> dict[str, Any]:
    """A command as the form is filled with it."""
    values = {
        name.removesuffix("_fen"): value for name, value in asdict(command).items() if value != _EMPTY[name]
    }
    unnamed = VictimLoss("", command.property_fen, command.medical_fen, command.death_fen)
    victims = ([unnamed] if unnamed != VictimLoss("") else []) + list(command.victims)
    return values | {
        "fault": command.fault.value,
        "driver": command.driver.value,
        "payer": command.payer.value,
        "is_trailer_elsewhere": not command.is_trailer_ours,
        "victims": _rows(
            victims,
            label="label",
            property_loss="property_fen",
            medical_loss="medical_fen",
            death_loss="death_fen",
        ),
        "vehicles": [{"label": one.label, "standing": one.standing.value} for one in command.vehicles],
        "occupants": _rows(command.occupants, label="label", loss="loss_fen", ctpl="ctpl_fen"),
        "passengers": _rows(command.passengers, label="label", loss="loss_fen"),
    }


def _rows(rows: Sequence[Any], **names: str) -> list[dict[str, Any]]:
    return [{name: getattr(row, attribute) or None for name, attribute in names.items()} for row in rows]
