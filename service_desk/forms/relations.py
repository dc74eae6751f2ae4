"""Forms of what both sides do together: events, answers, minutes with decisions, agreed items, what is promised."""

import re
from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    FormField,
    HiddenField,
    IntegerField,
    MultipleFileField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional

from service_desk.forms.fields import (
    CheckboxesField,
    DayField,
    Form,
    MomentField,
    PlainForm,
    RowList,
    SelectField,
    member,
    optional_id,
    small_number,
)
from service_desk.rules.permissions import Side
from service_desk.rules.relation_flow import EventKind, EventState, InviteAnswer
from service_desk.rules.relations_due import CadencePeriod
from service_desk.services.documents import Upload
from service_desk.services.relations.due import CadenceWanted
from service_desk.services.relations.events import EventPlan, Guest
from service_desk.services.relations.items import NewItem
from service_desk.services.relations.minutes import Written

GUEST_ROWS = 3
DECISION_ROWS = 5
MAX_PROSE = 20_000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_BETWEEN_NAMES = re.compile(r"[,，、;；\n]+")


class VersionForm(Form):
    """An act on a row as its page showed it."""

    version = HiddenField(default="0")

    @property
    def shown_version(self) -> int:
        return small_number(str(self.version.data)) or 0


class GuestRow(PlainForm):
    """A guest; a row without a name and an address is not there."""

    name = StringField(_l("Name"), [Length(max=64)])
    email = StringField(_l("Mail address"), [Length(max=200)])
    side = SelectField(_l("Side"), default=Side.CLIENT.value)
    language = SelectField(_l("Language"), default="zh")

    def guest(self) -> Guest:
        return Guest(
            self.name.data or "",
            self.email.data or "",
            member(Side, self.side.data) or Side.CLIENT,
            self.language.data or "zh",
        )


class EventForm(VersionForm):
    """A meeting or visit; choices of people, branches and kinds come from the page."""

    kind = SelectField(_l("Kind"), [InputRequired()], choices=[])
    branch_id = SelectField(_l("Branch"), choices=[], coerce=optional_id)
    title = StringField(_l("Title"), [InputRequired(), Length(max=200)])
    from_at = MomentField(_l("Begins at"), [InputRequired()])
    to_at = MomentField(_l("Ends at"), [InputRequired()])
    place = StringField(_l("Place"), [Length(max=200)])
    agenda = TextAreaField(_l("Agenda"), [Length(max=MAX_PROSE)])
    reason = StringField(_l("Why it is changed"), [Length(max=200)])
    guests = RowList(FormField(GuestRow), _l("Guests without a login"), max_entries=30)
    organiser_id = SelectField(_l("Organiser"), [InputRequired()], choices=[], coerce=optional_id)
    ours = CheckboxesField(_l("Our people"), coerce=optional_id)
    theirs = CheckboxesField(_l("The client's people"), coerce=optional_id)

    def plan(self) -> EventPlan:
        """What was typed, for `services.relations.events`."""
        people = [*(self.ours.data or ()), *(self.theirs.data or ())]
        return EventPlan(
            kind=EventKind(self.kind.data),
            title=self.title.data or "",
            place=self.place.data or "",
            agenda=self.agenda.data or "",
            branch_id=self.branch_id.data,
            from_at=self.from_at.at or _LONG_AGO,
            to_at=self.to_at.at or _LONG_AGO,
            organiser_id=self.organiser_id.data or 0,
            user_ids=tuple(one for one in people if one),
            guests=tuple(
                row.form.guest()
                for row in self.guests
                if (row.form.name.data or "").strip() or (row.form.email.data or "").strip()
            ),
        )


class ReasonForm(VersionForm):
    """An act that needs a reason."""

    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])


class AnswerForm(Form):
    answer = HiddenField()

    @property
    def said(self) -> InviteAnswer:
        found: InviteAnswer | None = member(InviteAnswer, self.answer.data)
        return found or InviteAnswer.ASKED


class DecisionRow(PlainForm):
    """A decision; a row without words is not there."""

    title = StringField(_l("Decision taken"), [Length(max=200)])
    measure = StringField(_l("Measure agreed"), [Length(max=2000)])
    owner_id = SelectField(_l("Owner"), coerce=optional_id, validate_choice=False)
    due_on = DayField(_l("To be done by"), [Optional()])

    @property
    def is_there(self) -> bool:
        return bool((self.title.data or "").strip() or (self.measure.data or "").strip())


class MinutesForm(VersionForm):
    """Minutes of an event; those present are ticked or named."""

    words = TextAreaField(_l("Minutes"), [InputRequired(), Length(max=MAX_PROSE)])
    reason = StringField(_l("Why the minutes are corrected"), [Length(max=200)])
    papers = MultipleFileField(_l("Papers: sign-in sheet, feedback, photos or PDF"))
    decisions = RowList(FormField(DecisionRow), _l("Decisions"), min_entries=DECISION_ROWS, max_entries=20)
    present = CheckboxesField(_l("Present"), coerce=optional_id, validate_choice=False)
    others_ours = StringField(_l("Others of ours"), [Length(max=500)])
    others_theirs = StringField(_l("Others of the client"), [Length(max=500)])

    def written(self, branch_id: int | None, papers: tuple[Upload, ...]) -> Written:
        """What was typed, for `services.relations.minutes`. A decision without a day is due long ago, which is refused."""
        return Written(
            words=self.words.data or "",
            present_ids=tuple(one for one in self.present.data or () if one),
            others=(
                *((name, Side.INSURER) for name in _names(self.others_ours.data)),
                *((name, Side.CLIENT) for name in _names(self.others_theirs.data)),
            ),
            decisions=tuple(
                NewItem(
                    title=row.form.title.data or "",
                    measure=row.form.measure.data or "",
                    owner_id=row.form.owner_id.data or 0,
                    due_on=row.form.due_on.data or _LONG_AGO.date(),
                    branch_id=branch_id,
                )
                for row in self.decisions
                if row.form.is_there
            ),
            papers=papers,
            reason=(self.reason.data or "") if "reason" in self else "",
        )


def _names(text: Any) -> list[str]:
    return [name.strip() for name in _BETWEEN_NAMES.split(text or "") if name.strip()]


class EventFilterForm(PlainForm):
    """The filter above calendar and list; choices come from the page."""

    kind = SelectField(_l("Kind"), validate_choice=False)
    branch = SelectField(_l("Branch"), validate_choice=False)
    state = SelectField(_l("State"), validate_choice=False)

    @property
    def wanted_kind(self) -> EventKind | None:
        found: EventKind | None = member(EventKind, self.kind.data)
        return found

    @property
    def wanted_state(self) -> EventState | None:
        found: EventState | None = member(EventState, self.state.data)
        return found


class ItemFilterForm(PlainForm):
    owner = SelectField(_l("Owner"), validate_choice=False)
    branch = SelectField(_l("Branch"), validate_choice=False)
    source = SelectField(_l("Comes from"), validate_choice=False)


class ResultForm(VersionForm):
    result = TextAreaField(_l("What came of it"), [InputRequired(), Length(max=4000)])


class DropForm(VersionForm):
    reason = TextAreaField(_l("Why it is dropped"), [InputRequired(), Length(max=4000)])


class MoveDueForm(VersionForm):
    due_on = DayField(_l("New day"), [InputRequired()])
    reason = StringField(_l("Why the day is moved"), [InputRequired(), Length(max=200)])


class GiveForm(VersionForm):
    owner_id = SelectField(_l("New owner"), [InputRequired()], choices=[], coerce=optional_id)
    reason = StringField(_l("Why another owns it"), [InputRequired(), Length(max=200)])


class CadenceForm(VersionForm):
    """A line of what is promised."""

    times = IntegerField(_l("How often"), [InputRequired()])
    period = SelectField(_l("Period"), choices=[])
    notice_days = IntegerField(_l("Warn so many days before"), [InputRequired()])
    source = StringField(_l("Where it is agreed"), [Length(max=200)])

    def wanted(self) -> CadenceWanted:
        """What was typed, for `services.relations.due`."""
        return CadenceWanted(
            times=self.times.data if self.times.data is not None else -1,
            period=member(CadencePeriod, self.period.data) or CadencePeriod.YEAR,
            notice_days=self.notice_days.data if self.notice_days.data is not None else -1,
            source=self.source.data or "",
        )
