"""Forms around the end of a claim: closing it with a follow-up planned, the call, its tries, and the client's own form."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from service_desk.forms.claims import MAX_PROSE, StepForm, moment_of
from service_desk.forms.fields import Form, MomentField, RadioField, SelectField, small_number
from service_desk.rules.follow_up import CallOutcome, FollowUpMeans, Scores
from service_desk.services.claims.closing import Close
from service_desk.services.claims.follow_ups import FollowUpRecord, FormAnswer
from service_desk.services.claims.plans import CallTried, PlanFollowUp


class _PlanFields:
    means = RadioField(_l("Way of asking"), [InputRequired()])
    name = StringField(_l("Whom"), [InputRequired(), Length(max=60)])
    phone = StringField(_l("Phone"), [Length(max=40)])
    email = StringField(_l("Mail address"), [Length(max=200)])
    language = SelectField(_l("Language"), [InputRequired()])

    def plan(self) -> PlanFollowUp:
        return PlanFollowUp(
            means=FollowUpMeans(self.means.data),
            name=self.name.data or "",
            phone=self.phone.data or "",
            email=self.email.data or "",
            language=self.language.data,
        )


class PlanForm(_PlanFields, StepForm):
    """Whom to ask, and how."""

    def command(self) -> PlanFollowUp:
        return self.plan()


class CloseForm(_PlanFields, StepForm):
    """Closing plans the follow-up. `zero_reason` is taken out by the page where something was paid."""

    FIRST = ("releases_reserve", "zero_reason")

    releases_reserve = BooleanField(_l("Release the rest of the reserve"))
    zero_reason = StringField(_l("Why nothing is paid"), [Length(max=200)])

    def command(self) -> Close:
        reason = (self.zero_reason.data or "") if "zero_reason" in self else ""
        return Close(bool(self.releases_reserve.data), self.plan(), reason)


class OptionalRadioField(RadioField):
    """One choice or none."""

    def pre_validate(self, form: Any) -> None:
        """Nothing chosen is no wrong choice."""
        if self.raw_data:
            super().pre_validate(form)


class _ScoreFields:
    score = RadioField(_l("All in all"), [InputRequired()])
    speed = OptionalRadioField(_l("Speed"))
    attitude = OptionalRadioField(_l("Attitude"))
    result = OptionalRadioField(_l("Result"))

    def scores(self) -> Scores:
        return Scores(int(self.score.data), _score(self.speed), _score(self.attitude), _score(self.result))


class FollowUpForm(_ScoreFields, StepForm):
    """What was said on the telephone."""

    FIRST = ("at", "spoken_with")

    at = MomentField(_l("When"), [InputRequired()])
    spoken_with = StringField(_l("Spoken with"), [InputRequired(), Length(max=60)])
    wants_call_back = BooleanField(_l("Wants to be called back"))
    comment = TextAreaField(_l("What they said"), [Length(max=MAX_PROSE)])

    def command(self) -> FollowUpRecord:
        scores = self.scores()
        return FollowUpRecord(
            at=moment_of(self.at),
            spoken_with=self.spoken_with.data or "",
            score=scores.overall,
            comment=self.comment.data or "",
            speed=scores.speed,
            attitude=scores.attitude,
            result=scores.result,
            wants_call_back=bool(self.wants_call_back.data),
        )


class FeedbackForm(_ScoreFields, Form):
    """The client's form behind a link."""

    comment = TextAreaField(_l("What went well, what did not"), [Length(max=MAX_PROSE)])
    wants_call_back = BooleanField(_l("Please call me back"))

    def command(self) -> FormAnswer:
        return FormAnswer(self.scores(), self.comment.data or "", bool(self.wants_call_back.data))


class TryForm(StepForm):
    """A call that brought no answer."""

    at = MomentField(_l("When"), [InputRequired()])
    outcome = SelectField(_l("What became of it"), [InputRequired()])
    next_try_at = MomentField(_l("Call again"), [Optional()])
    note = StringField(_l("Note"), [Length(max=200)])

    def command(self) -> CallTried:
        return CallTried(
            moment_of(self.at), CallOutcome(self.outcome.data), self.note.data or "", self.next_try_at.at
        )


def _score(field: Any) -> int | None:
    return small_number(str(field.data or ""))
