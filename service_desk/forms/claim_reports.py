"""The accident report as typed."""

import re
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    FloatField,
    IntegerField,
    MultipleFileField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from service_desk.forms.fields import Form, MomentField, RadioField, YuanField
from service_desk.models.claims import ReportChannel
from service_desk.services.claims.intake import MAX_INJURED, ReportCommand

_LONGEST_SECONDS = 10**9
_COMMAS = re.compile(r"[,，、;；\n]+")


class ReportForm(Form):
    """Three steps of one form. The position's fields are filled in by the phone."""

    plate = StringField(_l("Plate"), [InputRequired(), Length(max=64)])
    loss_at = MomentField(_l("When"), [InputRequired()])
    place = StringField(_l("Place"), [Length(max=200)])
    latitude = FloatField("", [Optional(), NumberRange(-90, 90)], widget=HiddenInput())
    longitude = FloatField("", [Optional(), NumberRange(-180, 180)], widget=HiddenInput())
    accuracy = IntegerField("", [Optional(), NumberRange(0, 10_000_000)], widget=HiddenInput())
    description = TextAreaField(_l("What happened"), [Length(max=4000)])
    other_party = StringField(_l("The other side"), [Length(max=200)])
    injured = RadioField(
        _l("Is anybody injured?"), [InputRequired()], choices=[("no", _l("Nobody")), ("yes", _l("Somebody"))]
    )
    injured_count = IntegerField(_l("How many?"), [Optional()])
    photos = MultipleFileField(_l("Photos"))
    channel: Any = RadioField(_l("How the report came"), choices=[], default=ReportChannel.PHONE.value)
    report_no = StringField(_l("Report number"), [Length(max=64)])
    estimate = YuanField(_l("First estimate (yuan)"))
    reporter_name = StringField(_l("Who reports"), [Length(max=64)])
    callback_phone = StringField(_l("Call back on"), [InputRequired(), Length(max=64)])
    other_plates = StringField(_l("More of our vehicles that were in it"), [Length(max=300)])
    is_own_collision = BooleanField(_l("They hit each other"))
    late_reason = StringField(_l("Why so late"), [Length(max=200)])
    # The answer to whether it is reported already: `new`, `same:CLM-…` or `linked:CLM-…`, each a button's value.
    duplicate = StringField("", [Length(max=80)])
    asked_about = StringField("", [Length(max=400)])

    def validate(self, extra_validators: object = None) -> bool:
        """Injured people are counted; without a number the answer yes is not complete."""
        is_valid = bool(super().validate(extra_validators))
        count = self.injured_count
        if self.injured.data == "yes" and not 1 <= (count.data or 0) <= MAX_INJURED and not count.errors:
            count.errors = [str(_l("Enter how many people are injured.")), *count.errors]
            return False
        return is_valid

    def command(self, account_id: int) -> ReportCommand:
        """What the form says, once it is valid."""
        loss_at = self.loss_at.at
        if loss_at is None:
            raise ValueError("the form is not valid")
        answer, _colon, same_as = (self.duplicate.data or "").partition(":")
        return ReportCommand(
            account_id=account_id,
            plate=self.plate.data or "",
            loss_at=loss_at,
            place=self.place.data or "",
            description=self.description.data or "",
            reporter_name=self.reporter_name.data or "",
            callback_phone=self.callback_phone.data or "",
            channel=ReportChannel(self.channel.data) if "channel" in self else ReportChannel.PORTAL,
            injured_count=(self.injured_count.data or 0) if self.injured.data == "yes" else 0,
            other_party=self.other_party.data or "",
            latitude=self.latitude.data,
            longitude=self.longitude.data,
            accuracy_m=self.accuracy.data,
            other_plates=tuple(
                part.strip() for part in _COMMAS.split(self.other_plates.data or "") if part.strip()
            ),
            is_own_collision=bool(self.is_own_collision.data),
            late_reason=self.late_reason.data or "",
            duplicate_answer=answer,
            same_as=same_as,
            asked_about=tuple((self.asked_about.data or "").split()),
            estimate_fen=self.estimate.fen if "estimate" in self else None,
            report_no=(self.report_no.data or "") if "report_no" in self else "",
        )


class ClientReportForm(ReportForm):
    """The same, as the client fills it in: it comes by the portal, and the desk numbers and estimates."""

    channel = None
    report_no: Any = None
    estimate: Any = None


class PhoneReportForm(ClientReportForm):
    """The same, sent by the phone itself. `waited_seconds` have passed since the person pressed *send*."""

    photos = None
    waited_seconds = FloatField("", [Optional()])

    @property
    def waited(self) -> timedelta:
        """How long the report waited; less than nothing when the phone says what cannot be."""
        seconds = self.waited_seconds.data or 0
        # Not a number is less than nothing as well: it compares with none.
        return timedelta(seconds=seconds) if 0 <= seconds <= _LONGEST_SECONDS else timedelta(seconds=-1)

    def facts(self) -> dict[str, Any]:
        """What was typed, by field, as plain values."""
        loss_at = self.loss_at.at
        return {
            "plate": self.plate.data or "",
            "loss_at": f"{loss_at:%Y-%m-%d %H:%M}" if loss_at else "",
            "place": self.place.data or "",
            "description": self.description.data or "",
            "other_party": self.other_party.data or "",
            "other_plates": self.other_plates.data or "",
            "late_reason": self.late_reason.data or "",
            "injured_count": (self.injured_count.data or 0) if self.injured.data == "yes" else 0,
            "reporter_name": self.reporter_name.data or "",
            "callback_phone": self.callback_phone.data or "",
        }
