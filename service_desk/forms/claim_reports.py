"""The accident report as typed."""

from flask_babel import lazy_gettext as _l
from wtforms import FloatField, IntegerField, MultipleFileField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from service_desk.forms.fields import Form, MomentField, YuanField
from service_desk.models.claims import ReportChannel
from service_desk.services.claims.intake import MAX_INJURED, ReportCommand


class ReportForm(Form):
    """Three steps of one form. The position's fields are filled in by the phone."""

    plate = StringField(_l("Plate"), [InputRequired(), Length(max=64)])
    loss_at = MomentField(_l("When"), [InputRequired()])
    place = StringField(_l("Where"), [Length(max=200)])
    latitude = FloatField(validators=[Optional(), NumberRange(-90, 90)], widget=HiddenInput())
    longitude = FloatField(validators=[Optional(), NumberRange(-180, 180)], widget=HiddenInput())
    accuracy = IntegerField(validators=[Optional(), NumberRange(0, 10_000_000)], widget=HiddenInput())
    description = TextAreaField(_l("What happened"), [InputRequired(), Length(max=4000)])
    other_party = StringField(_l("The other side"), [Length(max=200)])
    injured = RadioField(
        _l("Is anybody injured?"), [InputRequired()], choices=[("no", _l("Nobody")), ("yes", _l("Somebody"))]
    )
    injured_count = IntegerField(_l("How many?"), [Optional()])
    photos = MultipleFileField(_l("Photos"))
    channel = RadioField(_l("How the report came"), choices=[], default=ReportChannel.PHONE.value)
    estimate = YuanField(_l("First estimate (yuan)"))
    reporter_name = StringField(_l("Who reports"), [InputRequired(), Length(max=64)])
    callback_phone = StringField(_l("Call back on"), [InputRequired(), Length(max=64)])

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
            estimate_fen=self.estimate.fen if "estimate" in self else None,
        )
