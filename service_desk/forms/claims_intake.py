"""Completing a report, linking vehicles of one accident, photos taken on site."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, IntegerField, MultipleFileField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from service_desk.forms.claims import MAX_PROSE, StepForm
from service_desk.forms.fields import Form, MomentField, RadioField, SelectField
from service_desk.services.claims.accidents import LinkClaim
from service_desk.services.claims.completing import CompleteReport
from service_desk.services.claims.report_numbers import EnterReportNo


class CompleteReportForm(StepForm):
    """The whole report, filled with what is known."""

    loss_at = MomentField(_l("When"), [InputRequired()])
    place = StringField(_l("Place"), [Length(max=200)])
    description = TextAreaField(_l("What happened"), [Length(max=MAX_PROSE)])
    other_party = StringField(_l("The other side"), [Length(max=200)])
    injured_count = IntegerField(_l("People injured"), [Optional()])
    reporter_name = StringField(_l("Who reports"), [Length(max=64)])
    callback_phone = StringField(_l("Call back on"), [InputRequired(), Length(max=64)])
    late_reason = StringField(_l("Why so late"), [Length(max=200)])

    def command(self) -> CompleteReport:
        """What the form says, once it is valid."""
        loss_at = self.loss_at.at
        if loss_at is None:
            raise ValueError("the form is not valid")
        return CompleteReport(
            loss_at=loss_at,
            place=self.place.data or "",
            description=self.description.data or "",
            other_party=self.other_party.data or "",
            injured_count=self.injured_count.data or 0,
            reporter_name=self.reporter_name.data or "",
            callback_phone=self.callback_phone.data or "",
            late_reason=self.late_reason.data or "",
        )


class ReportNoForm(StepForm):
    """The insurer's number of the report."""

    report_no = StringField(_l("Report number"), [Length(max=64)])

    def command(self) -> EnterReportNo:
        """What the form says, once it is valid."""
        return EnterReportNo(self.report_no.data or "")


class LinkClaimForm(Form):
    """Another claim of the same accident."""

    other_number = StringField(_l("Number of the other claim"), [InputRequired(), Length(max=40)])
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])
    is_own_collision = BooleanField(_l("The two vehicles hit each other"))

    def command(self) -> LinkClaim:
        """What the form says, once it is valid."""
        return LinkClaim(
            self.other_number.data or "", self.reason.data or "", bool(self.is_own_collision.data)
        )


class LeaveAccidentForm(Form):
    """Why a claim is no part of the accident."""

    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])


class PhotosForm(Form):
    """Photos of one group, kept as soon as they are sent. Choices are set by the page."""

    group = RadioField(_l("What they show"), [InputRequired()])
    photos = MultipleFileField(_l("Photos"))


class RegroupForm(Form):
    """Photos that belong into another group; their ids are tick boxes of the page."""

    group = SelectField(_l("Put into"), [InputRequired()])


class SketchForm(Form):
    """A drawing of the page's pad, or a photo of one on paper."""

    sketch: Any = FileField(_l("Photo of a sketch on paper"))
