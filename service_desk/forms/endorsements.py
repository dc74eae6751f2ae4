"""Forms of endorsements: one for each kind, over what all of them ask; and the filter of their list."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import InputRequired, Length, Optional

from service_desk.base.errors import Invalid
from service_desk.forms.fields import (
    BaseForm,
    DayField,
    Form,
    MomentField,
    RadioField,
    SelectField,
    YuanField,
    member,
    small_number,
)
from service_desk.models.policies import EndorsementKind
from service_desk.rules.rating import CtplFloat
from service_desk.rules.settlement.cancellation import CancelReason
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass
from service_desk.services.policies.endorsements import EndorsementFilter
from service_desk.services.policies.endorsing import AgreedCover, EndorsementCommand

AT_ONCE, ON_A_DAY = "now", "day"
BY_AGREEMENT = "agreed"


class EndorsementForm(Form):
    """What every endorsement asks. `own` names the fields of a kind, in their order on the page.

    Whether a choice is possible is judged by the service: a form sent twice gets its first answer, though its
    choices are others by then.
    """

    own: tuple[str, ...] = ()

    version = HiddenField()
    expected_fen = HiddenField()
    start = RadioField(_l("Takes effect"), choices=[], default=AT_ONCE, validate_choice=False)
    effective_on = DayField(_l("Day"), [Optional()])
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])

    def __init_subclass__(cls) -> None:
        cls.FIRST = tuple(name for name in cls.own if name != "with_vehicle")

    def command(self, kind: EndorsementKind) -> EndorsementCommand:
        """What was asked for, for `services.policies.endorsing`; Invalid when a day is wanted and none is given."""
        if self.start.data == ON_A_DAY and self.effective_on.data is None:
            raise Invalid("effective_day_missing", field="effective_on")
        expected = self.expected_fen.data or ""
        sign = -1 if expected.startswith("-") else 1
        digits = small_number(expected.removeprefix("-"), digits=15)
        return EndorsementCommand(
            kind,
            self.reason.data or "",
            effective_on=self.effective_on.data if self.start.data == ON_A_DAY else None,
            # The page always states one: what cannot be read is no version the policy has.
            version=small_number(self.version.data) or 0,
            expected_fen=None if digits is None else sign * digits,
            **self.particulars(),
        )

    def particulars(self) -> dict[str, Any]:
        """What the kind asks, as the fields of the command."""
        return {}


class PlateForm(EndorsementForm):
    own = ("plate", "with_vehicle")
    plate = StringField(_l("New plate"), [InputRequired(), Length(max=40)])
    with_vehicle = BooleanField(_l("Change the vehicle's own record too"))

    def particulars(self) -> dict[str, Any]:
        return {"plate": self.plate.data or "", "with_vehicle": bool(self.with_vehicle.data)}


class VinForm(EndorsementForm):
    own = ("vin", "with_vehicle")
    vin = StringField(_l("Right VIN"), [InputRequired(), Length(max=40)])
    with_vehicle = BooleanField(_l("Change the vehicle's own record too"))

    def particulars(self) -> dict[str, Any]:
        return {"vin": self.vin.data or "", "with_vehicle": bool(self.with_vehicle.data)}


class UseForm(EndorsementForm):
    own = ("use_class", "annual", "with_vehicle")
    use_class = SelectField(_l("New use class"), choices=[], validate_choice=False)
    annual = YuanField(_l("Agreed premium of a whole year"), [Optional()])
    with_vehicle = BooleanField(_l("Change the vehicle's own record too"))

    def particulars(self) -> dict[str, Any]:
        return {
            "use_class": member(UseClass, self.use_class.data),
            "annual_fen": self.annual.fen,
            "with_vehicle": bool(self.with_vehicle.data),
        }


class BranchForm(EndorsementForm):
    own = ("branch", "with_vehicle")
    branch = SelectField(_l("Branch it moves to"), [InputRequired()], choices=[], validate_choice=False)
    with_vehicle = BooleanField(_l("Change the vehicle's own record too"))

    def particulars(self) -> dict[str, Any]:
        return {
            "branch_id": small_number(self.branch.data),
            "with_vehicle": bool(self.with_vehicle.data),
        }


class CoversForm(EndorsementForm):
    """Another cover set of the price table, or one cover by agreement."""

    own = ("cover_set", "code", "limit", "annual")
    cover_set = SelectField(_l("Covers"), choices=[], validate_choice=False)
    code = SelectField(_l("Cover"), choices=[], validate_choice=False)
    limit = YuanField(_l("New limit or sum insured"), [Optional()])
    annual = YuanField(_l("Agreed premium of a whole year"), [Optional()])

    def particulars(self) -> dict[str, Any]:
        code = member(CoverCode, self.code.data)
        if self.cover_set.data != BY_AGREEMENT:
            return {"cover_set": self.cover_set.data or ""}
        return {
            "agreed": AgreedCover(code, self.limit.fen) if code else None,
            "annual_fen": self.annual.fen,
        }


class TotalLossForm(EndorsementForm):
    own = ("annual",)
    annual = YuanField(_l("Premium of a whole year without own damage"), [Optional()])

    def particulars(self) -> dict[str, Any]:
        return {"annual_fen": self.annual.fen}


class ReplacementForm(EndorsementForm):
    own = ("vehicle", "cause", "ctpl_float", "tax")
    vehicle = StringField(_l("New vehicle: plate or VIN"), [InputRequired(), Length(max=40)])
    cause = SelectField(_l("What became of the old vehicle"), choices=[], validate_choice=False)
    ctpl_float = SelectField(_l("CTPL float"), choices=[], default=CtplFloat.A4.value, validate_choice=False)
    tax = YuanField(_l("Vehicle tax"), [Optional()])

    def particulars(self) -> dict[str, Any]:
        return {
            "vehicle": self.vehicle.data or "",
            "cause": member(CancelReason, self.cause.data),
            "ctpl_float": member(CtplFloat, self.ctpl_float.data) or CtplFloat.A4,
            "tax_fen": self.tax.fen or 0,
        }


class CancellationForm(EndorsementForm):
    own = ("cause",)
    cause = SelectField(_l("Why it is cancelled"), [InputRequired()], choices=[], validate_choice=False)

    def particulars(self) -> dict[str, Any]:
        return {"cause": member(CancelReason, self.cause.data)}


FORMS: dict[EndorsementKind, type[EndorsementForm]] = {
    EndorsementKind.PLATE: PlateForm,
    EndorsementKind.VIN: VinForm,
    EndorsementKind.USE: UseForm,
    EndorsementKind.BRANCH: BranchForm,
    EndorsementKind.SUM_INSURED: CoversForm,
    EndorsementKind.ADD_COVER: CoversForm,
    EndorsementKind.REMOVE_COVER: CoversForm,
    EndorsementKind.REPLACEMENT: ReplacementForm,
    EndorsementKind.TOTAL_LOSS: TotalLossForm,
    EndorsementKind.CANCELLATION: CancellationForm,
}


class _AddressForm(BaseForm):
    """A GET form: what is wanted stands in the address. Nonsense means any."""

    class Meta:
        csrf = False


class AsOfForm(_AddressForm):
    at = MomentField(_l("As of"), [Optional()])


class EndorsementFilterForm(_AddressForm):
    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    kind = SelectField(_l("Kind"), choices=[], validate_choice=False)
    line = SelectField(_l("Line"), choices=[], validate_choice=False)
    from_on = DayField(_l("From"), [Optional()])
    to_on = DayField(_l("To"), [Optional()])
    q = StringField(_l("Number, policy or plate"), [Length(max=100)])

    def wanted(self, account_id: int) -> EndorsementFilter:
        """The filter as the service takes it."""
        return EndorsementFilter(
            account_id=account_id,
            branch_id=small_number(self.branch.data),
            kind=member(EndorsementKind, self.kind.data),
            line=member(PolicyLine, self.line.data),
            from_on=self.from_on.data,
            to_on=self.to_on.data,
            text=(self.q.data or "")[:100],
        )
