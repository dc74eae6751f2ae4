"""The forms of a claim's steps. Each knows the version of the claim its page showed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    FloatField,
    FormField,
    HiddenField,
    IntegerField,
    MultipleFileField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from service_desk.base.text import one_line
from service_desk.forms.fields import (
    CheckboxesField,
    Form,
    MomentField,
    PlainForm,
    RadioField,
    RowList,
    SelectField,
    YuanField,
    optional_id,
    small_number,
)
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.claim_losses import LossItem, LossKind
from service_desk.rules.claim_photos import Position
from service_desk.rules.vocabulary import Fault
from service_desk.services.claims.assigning import AssignMany
from service_desk.services.claims.calculating import CalculationInputs
from service_desk.services.claims.exits import Reopen
from service_desk.services.claims.handling import (
    ArrivalRecord,
    AssessmentRecord,
    Assign,
    Contact,
    Dispatch,
    SurveyRecord,
)
from service_desk.services.claims.papers import JudgeDocument, ReceiveDocument
from service_desk.services.claims.reserves import SetReserve
from service_desk.services.claims.settlement import Approve
from service_desk.services.documents import Upload

MAX_PROSE = 4000
ITEM_ROWS = 8


class StepForm(Form):
    """A step of a claim. `version` is the claim's as the page showed it."""

    version = HiddenField(default="0")

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0

    @property
    def key(self) -> str:
        return self.idempotency_key.data or ""


class ReasonForm(StepForm):
    """A step that needs nothing but a reason."""

    reason = TextAreaField(_l("Reason"), [InputRequired(), Length(max=MAX_PROSE)])


class DispatchForm(StepForm):
    surveyor_id = SelectField(_l("Surveyor"), [InputRequired()], coerce=int)
    note = StringField(_l("Note"), [Length(max=200)])

    def command(self) -> Dispatch:
        return Dispatch(self.surveyor_id.data, self.note.data or "")


class AssignForm(StepForm):
    handler_id = SelectField(_l("Handler"), [InputRequired()], coerce=int)
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])

    def command(self) -> Assign:
        return Assign(self.handler_id.data, self.reason.data)


class AssignManyForm(Form):
    """The claims that were ticked in the queue, and who gets them."""

    handler_id = SelectField(_l("Handler"), [InputRequired()], coerce=int)
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])

    def command(self, numbers: Sequence[str]) -> AssignMany:
        return AssignMany(tuple(dict.fromkeys(numbers)), self.handler_id.data, self.reason.data)


class ContactForm(StepForm):
    at = MomentField(_l("When"), [InputRequired()])
    spoken_with = StringField(_l("Spoken with"), [InputRequired(), Length(max=60)])
    note = StringField(_l("Note"), [Length(max=500)])

    def command(self) -> Contact:
        return Contact(moment_of(self.at), self.spoken_with.data, self.note.data or "")


class ArrivalForm(StepForm):
    """Sent empty it is now, by the server's clock. The position's fields are filled in by the phone."""

    latitude = FloatField(validators=[Optional(), NumberRange(-90, 90)], widget=HiddenInput())
    longitude = FloatField(validators=[Optional(), NumberRange(-180, 180)], widget=HiddenInput())
    accuracy = IntegerField(validators=[Optional(), NumberRange(0, 10_000_000)], widget=HiddenInput())
    arrived_at = MomentField(_l("Arrived at the scene"), [Optional()])
    reason = StringField(_l("Why the time is typed in"), [Length(max=200)])

    def command(self) -> ArrivalRecord:
        return ArrivalRecord(self.arrived_at.at, self.reason.data or "", self._position())

    def _position(self) -> Position | None:
        latitude, longitude = self.latitude.data, self.longitude.data
        if latitude is None or longitude is None:
            return None
        return Position(latitude, longitude, self.accuracy.data)


class SurveyForm(StepForm):
    """`arrived_at` is taken out by the page when the arrival is recorded already."""

    arrived_at = MomentField(_l("Arrived at the scene"), [Optional()])
    arrival_reason = StringField(_l("Why the time is typed in"), [Length(max=200)])
    is_first_scene = RadioField(
        _l("First scene"),
        [InputRequired()],
        choices=[("yes", _l("First scene")), ("no", _l("Not the first scene"))],
        default="yes",
    )
    not_first_scene_reason = StringField(_l("Why not the first scene"), [Length(max=500)])
    findings = TextAreaField(_l("Findings"), [Length(max=MAX_PROSE)])
    estimate = YuanField(_l("First estimate (yuan)"), [InputRequired()])
    features = CheckboxesField(_l("What it is about"))
    photos = MultipleFileField(_l("Photos"))

    def command(self, photos: Sequence[Upload]) -> SurveyRecord:
        return SurveyRecord(
            arrived_at=self.arrived_at.at if "arrived_at" in self else None,
            is_first_scene=self.is_first_scene.data == "yes",
            not_first_scene_reason=self.not_first_scene_reason.data or "",
            findings=self.findings.data or "",
            estimate_fen=self.estimate.fen or 0,
            features=frozenset(ClaimFeature(code) for code in self.features.data or ()),
            photos=tuple(photos),
            arrival_reason=self.arrival_reason.data or "" if "arrival_reason" in self else "",
        )


class ItemForm(PlainForm):
    """One row of an assessment; a row without words and amount is not there."""

    item_id = HiddenField(default="")
    label = StringField(_l("Damaged or hurt"), [Length(max=120)])
    kind = SelectField(_l("Kind"), default=LossKind.OWN_VEHICLE.value)
    amount = YuanField(_l("Amount (yuan)"))
    party_id = SelectField(_l("Belongs to"), coerce=optional_id, validate_choice=False)


class AssessmentForm(StepForm):
    items = RowList(FormField(ItemForm), _l("Items"), min_entries=ITEM_ROWS, max_entries=40)
    method = StringField(_l("How it is mended"), [Length(max=200)])
    photos = MultipleFileField(_l("Photos of the assessment sheet"))

    def command(self, photos: Sequence[Upload]) -> AssessmentRecord:
        rows = [row.form for row in self.items]
        return AssessmentRecord(
            method=self.method.data or "",
            items=tuple(
                LossItem(
                    one_line(row.label.data or ""),
                    LossKind(row.kind.data),
                    row.amount.fen or 0,
                    row.party_id.data,
                    small_number(row.item_id.data),
                )
                for row in rows
                if (row.label.data or "").strip() or row.amount.fen is not None
            ),
            photos=tuple(photos),
        )


class RequestDocumentsForm(StepForm):
    reason = StringField(_l("Reason for asking again"), [Length(max=500)])


class ReceiveForm(StepForm):
    """`codes` are the lines of the checklist the files are for; none for a paper that is not on it."""

    codes = CheckboxesField(_l("Documents"))
    files = MultipleFileField(_l("Photos or PDF"))

    def command(self, files: Sequence[Upload]) -> ReceiveDocument:
        return ReceiveDocument(tuple(self.codes.data or ()), tuple(files))


class JudgeForm(StepForm):
    code = SelectField(_l("Document"), [InputRequired()])
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])

    def command(self) -> JudgeDocument:
        return JudgeDocument(self.code.data, self.reason.data)


class CalculationForm(StepForm):
    fault = SelectField(_l("Fault of our vehicle"), [InputRequired()])
    fault_percent = IntegerField(_l("Share by court decision (%)"), [Optional(), NumberRange(min=0, max=100)])
    property_loss = YuanField(_l("Others' property (yuan)"))
    medical_loss = YuanField(_l("Medical (yuan)"))
    death_loss = YuanField(_l("Death and disability (yuan)"))
    own_damage = YuanField(_l("Own vehicle (yuan)"))
    received = YuanField(_l("Paid by the other side (yuan)"))
    salvage = YuanField(_l("Salvage kept (yuan)"))
    is_total_loss = BooleanField(_l("Total loss"))
    note = StringField(_l("Note"), [Length(max=500)])

    def command(self) -> CalculationInputs:
        return CalculationInputs(
            fault=Fault(self.fault.data),
            property_fen=self.property_loss.fen or 0,
            medical_fen=self.medical_loss.fen or 0,
            death_fen=self.death_loss.fen or 0,
            own_damage_fen=self.own_damage.fen or 0,
            is_total_loss=bool(self.is_total_loss.data),
            received_fen=self.received.fen or 0,
            salvage_fen=self.salvage.fen or 0,
            fault_percent=self.fault_percent.data,
            note=self.note.data or "",
        )


class ApproveForm(StepForm):
    calculation_id = HiddenField(default="0")
    note = StringField(_l("Note"), [Length(max=500)])

    def command(self) -> Approve:
        return Approve(small_number(str(self.calculation_id.data)) or 0, self.note.data or "")


class ReopenForm(StepForm):
    reason = TextAreaField(_l("Reason"), [InputRequired(), Length(max=MAX_PROSE)])
    reserve = YuanField(_l("New reserve for the whole claim (yuan)"), [InputRequired()])

    def command(self) -> Reopen:
        return Reopen(self.reason.data, self.reserve.fen or 0)


class ReserveForm(StepForm):
    amount = YuanField(_l("New reserve for the whole claim (yuan)"), [InputRequired()])
    item = SelectField(_l("Because of"), [InputRequired()])
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])

    def command(self) -> SetReserve:
        return SetReserve(self.amount.fen or 0, self.item.data, self.reason.data)


def moment_of(field: Any) -> datetime:
    """The instant of a required field; validation has seen to it that there is one."""
    at: datetime | None = field.at
    if at is None:
        raise ValueError("validated without a moment")
    return at
