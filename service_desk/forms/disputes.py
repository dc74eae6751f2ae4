"""The forms of a dispute. Each knows the version of what its page showed."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, MultipleFileField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import Form, RadioField, SelectField, YuanField, small_number
from service_desk.rules.disputes import Consequence, DisputeOutcome, DisputeTopic
from service_desk.services.claims.disputes import Decision, RaiseDispute, Say
from service_desk.services.documents import Upload

MAX_PROSE = 4000


class DisputeForm(Form):
    """`version` is that of the dispute as the page showed it (of the claim where none is open yet)."""

    version = HiddenField(default="0")

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0

    @property
    def key(self) -> str:
        return self.idempotency_key.data or ""


class RaiseForm(DisputeForm):
    """`raised_for` is taken out by the page for the client's own people."""

    topic = SelectField(_l("Disputed matter"), [InputRequired()])
    raised_for = StringField(_l("Raised for (the client's person)"), [Length(max=60)])
    statement = TextAreaField(_l("What is not right"), [InputRequired(), Length(max=MAX_PROSE)])
    claimed = YuanField(_l("Amount claimed for the whole claim (yuan)"))
    files = MultipleFileField(_l("Evidence: photos or PDF"))
    files_show = StringField(_l("What the evidence shows"), [Length(max=500)])

    def command(self, files: Sequence[Upload]) -> RaiseDispute:
        return RaiseDispute(
            topic=DisputeTopic(self.topic.data),
            statement=self.statement.data or "",
            claimed_fen=self.claimed.fen,
            raised_for=(self.raised_for.data or "") if "raised_for" in self else "",
            files=tuple(files),
            files_show=self.files_show.data or "",
        )


class SayForm(DisputeForm):
    """`is_internal` is taken out by the page for the client's people."""

    words = TextAreaField(_l("What you say"), [Length(max=MAX_PROSE)])
    files = MultipleFileField(_l("Evidence: photos or PDF"))
    files_show = StringField(_l("What the evidence shows"), [Length(max=500)])
    is_internal = BooleanField(_l("Internal note: the client does not see it"))

    def command(self, files: Sequence[Upload]) -> Say:
        return Say(
            words=self.words.data or "",
            is_internal="is_internal" in self and bool(self.is_internal.data),
            files=tuple(files),
            files_show=self.files_show.data or "",
        )


class DeciderForm(DisputeForm):
    decider_id = SelectField(_l("Who decides"), [InputRequired()], coerce=int)


class DecisionForm(DisputeForm):
    outcome = RadioField(_l("Outcome"), [InputRequired()])
    reasons = TextAreaField(_l("Reasons"), [InputRequired(), Length(max=MAX_PROSE)])
    awarded = YuanField(_l("What the claim comes to (yuan)"))
    consequence = RadioField(_l("What follows"), [InputRequired()])

    def command(self) -> Decision:
        return Decision(
            DisputeOutcome(self.outcome.data),
            self.reasons.data or "",
            Consequence(self.consequence.data),
            self.awarded.fen,
        )


class TakeBackForm(DisputeForm):
    reason = TextAreaField(_l("Why it is taken back"), [InputRequired(), Length(max=MAX_PROSE)])
