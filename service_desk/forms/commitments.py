"""Forms of the next version of the commitments."""

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DecimalField, HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from service_desk.forms.fields import DayField, Form, SelectField, small_number
from service_desk.models.commitments import Commitment, CommitmentList
from service_desk.services.commitments import DraftTerms, PromiseTerms, target_of, tie_of_promise


class DraftStepForm(Form):
    """An act on the draft as its page showed it."""

    version = HiddenField(default="0")

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


class DraftForm(DraftStepForm):
    """What stands above the promises."""

    effective_on = DayField(_l("In force from"), [InputRequired()])
    supervision_name = StringField(_l("Who supervises the service"), [Length(max=200)])
    supervision_phone = StringField(_l("Supervision phone"), [Length(max=64)])
    preface = TextAreaField(_l("Preface"), [Length(max=4000)])
    preface_en = TextAreaField(_l("Preface, in English"), [Length(max=4000)])

    @staticmethod
    def values_of(row: CommitmentList) -> dict[str, Any]:
        """What the form shows of a draft."""
        names = ("effective_on", "preface", "preface_en", "supervision_name", "supervision_phone", "version")
        return {name: getattr(row, name) for name in names}

    def terms(self) -> DraftTerms:
        """What was typed."""
        return DraftTerms(
            effective_on=self.effective_on.data,
            preface=self.preface.data or "",
            preface_en=self.preface_en.data or "",
            supervision_name=self.supervision_name.data or "",
            supervision_phone=self.supervision_phone.data or "",
        )


class PromiseForm(DraftStepForm):
    """One promise; the page fills the choices of `tie`."""

    title = StringField(_l("Promise"), [InputRequired(), Length(max=200)])
    title_en = StringField(_l("Promise, in English"), [Length(max=200)])
    words = TextAreaField(_l("In more words"), [Length(max=4000)])
    words_en = TextAreaField(_l("In more words, in English"), [Length(max=4000)])
    tie = SelectField(_l("Measured by"), [InputRequired()], choices=[])
    target = DecimalField(
        _l("Promised figure"),
        [InputRequired(), NumberRange(min=Decimal(0), max=Decimal(1_000_000))],
        places=None,
    )

    @staticmethod
    def values_of(row: Commitment, version: int) -> dict[str, Any]:
        """What the form shows of a promise."""
        names = ("title", "title_en", "words", "words_en")
        tie = tie_of_promise(row).code
        return {
            "version": version,
            "tie": tie,
            "target": target_of(row).normalize(),
            **{name: getattr(row, name) for name in names},
        }

    def terms(self) -> PromiseTerms:
        """What was typed."""
        return PromiseTerms(
            title=self.title.data or "",
            title_en=self.title_en.data or "",
            words=self.words.data or "",
            words_en=self.words_en.data or "",
            tie=self.tie.data or "",
            target=self.target.data if self.target.data is not None else Decimal(-1),
        )
