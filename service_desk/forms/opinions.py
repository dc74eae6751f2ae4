"""Forms of opinions: a campaign, the feedback form itself, an opinion written down, and what the desk does with one."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
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
    RadioField,
    RowList,
    SelectField,
    member,
    optional_id,
    small_number,
)
from service_desk.forms.follow_ups import OptionalRadioField
from service_desk.forms.relations import VersionForm
from service_desk.rules.opinions import MAX_WORDS, Question, ReplyMeans, Theme
from service_desk.services.documents import Upload
from service_desk.services.opinions.answering import Answer, Mark
from service_desk.services.opinions.campaigns import CampaignPlan, Guest
from service_desk.services.opinions.handling import Reply
from service_desk.services.opinions.recording import NewOpinion
from service_desk.services.relations.items import NewItem

GUEST_ROWS = 3


class QuestionRow(PlainForm):
    """A theme a campaign may ask about, with its question in both languages."""

    theme = HiddenField()
    is_asked = BooleanField(_l("Ask about it"))
    text = StringField(_l("Question in Chinese"), [Length(max=200)])
    text_en = StringField(_l("Question in English"), [Length(max=200)])


class GuestRow(PlainForm):
    """Somebody without a login; a row without a name and an address is not there."""

    name = StringField(_l("Name"), [Length(max=64)])
    email = StringField(_l("Mail address"), [Length(max=200)])
    branch_id = SelectField(_l("Branch"), coerce=optional_id, validate_choice=False)
    language = SelectField(_l("Language"), default="zh", validate_choice=False)

    @property
    def is_there(self) -> bool:
        return bool((self.name.data or "").strip() or (self.email.data or "").strip())

    def guest(self) -> Guest:
        return Guest(
            self.name.data or "", self.email.data or "", self.branch_id.data, self.language.data or "zh"
        )


class AlsoAskedForm(Form):
    """Somebody more to be asked: a login, else a name with what is known of them. Choices are set by the page."""

    user_id = SelectField(_l("Somebody with a login"), choices=[], coerce=optional_id)
    name = StringField(_l("Name of who has no login"), [Length(max=64)])
    email = StringField(_l("Mail address"), [Length(max=200)])
    branch_id = SelectField(_l("Branch"), choices=[], coerce=optional_id)
    language = SelectField(_l("Language"), choices=[], default="zh")

    def guest(self) -> Guest:
        """Who has no login, for `services.opinions.joining`."""
        return Guest(
            self.name.data or "", self.email.data or "", self.branch_id.data, self.language.data or "zh"
        )


class CampaignForm(VersionForm):
    """A feedback form to be sent out."""

    title = StringField(_l("Title in Chinese"), [InputRequired(), Length(max=200)])
    title_en = StringField(_l("Title in English"), [InputRequired(), Length(max=200)])
    intro = TextAreaField(_l("Introduction in Chinese"), [Length(max=2000)])
    intro_en = TextAreaField(_l("Introduction in English"), [Length(max=2000)])
    from_on = DayField(_l("To be sent on"), [InputRequired()])
    until_on = DayField(_l("Answers until"), [InputRequired()])
    remind_days = IntegerField(_l("Remind so many days before the end"), [InputRequired()])
    questions = RowList(FormField(QuestionRow), _l("Questions by theme"), max_entries=len(Theme))
    asks_group = BooleanField(_l("The group's insurance department too"))
    branch_ids = CheckboxesField(_l("Branches asked"), coerce=optional_id)
    guests = RowList(FormField(GuestRow), _l("People without a login"), max_entries=60)

    def plan(self) -> CampaignPlan:
        """What was typed, for `services.opinions.campaigns`."""
        return CampaignPlan(
            title=self.title.data or "",
            title_en=self.title_en.data or "",
            intro=self.intro.data or "",
            intro_en=self.intro_en.data or "",
            questions=tuple(_questions(self.questions)),
            from_on=self.from_on.data,
            until_on=self.until_on.data,
            remind_days=self.remind_days.data if self.remind_days.data is not None else -1,
            branch_ids=tuple(one for one in self.branch_ids.data or () if one),
            asks_group=bool(self.asks_group.data),
            guests=tuple(row.form.guest() for row in self.guests if row.form.is_there),
        )


def _questions(rows: Any) -> list[Question]:
    return [
        Question(Theme(row.form.theme.data), row.form.text.data or "", row.form.text_en.data or "")
        for row in rows
        if row.form.is_asked.data and member(Theme, row.form.theme.data)
    ]


class _AnswerForm(Form):
    """What every feedback form has; the fields of its themes are added by `answer_form`."""

    themes: Sequence[Theme] = ()
    is_anonymous = BooleanField(_l("Do not show my name to others of my company"))

    def answer(self) -> Answer:
        """What was filled in, for `services.opinions.answering`."""
        marks = {
            theme: Mark(
                small_number(str(self[f"score_{theme.value}"].data or "")),
                self[f"words_{theme.value}"].data or "",
            )
            for theme in self.themes
        }
        return Answer(marks, bool(self.is_anonymous.data))


def answer_form(questions: Sequence[tuple[Theme, str]]) -> type[_AnswerForm]:
    """The form that asks these questions, each with its words in the reader's language."""
    fields: dict[str, Any] = {"themes": tuple(theme for theme, _text in questions)}
    for theme, text in questions:
        fields[f"score_{theme.value}"] = OptionalRadioField(text)
        fields[f"words_{theme.value}"] = TextAreaField(_l("In your words"), [Length(max=MAX_WORDS)])
    return type("AnswerForm", (_AnswerForm,), fields)


class RecordForm(Form):
    """An opinion that somebody of the desk writes down."""

    theme = SelectField(_l("Theme"), [InputRequired()])
    words = TextAreaField(_l("What they said"), [InputRequired(), Length(max=MAX_WORDS)])
    score = OptionalRadioField(_l("Mark"))
    papers = MultipleFileField(_l("The filled-in form: photos or PDF"))
    branch_id = SelectField(_l("Branch"), coerce=optional_id)
    user_id = SelectField(_l("Who said it"), coerce=optional_id)
    name = StringField(_l("Name of who has no login"), [Length(max=64)])
    phone = StringField(_l("Phone"), [Length(max=64)])
    email = StringField(_l("Mail address"), [Length(max=200)])
    language = SelectField(_l("Language"), [InputRequired()])
    given_at = MomentField(_l("Said on"), [InputRequired()])
    is_anonymous = BooleanField(_l("Their name is not to be shown to others of the client"))

    def opinion(self, papers: tuple[Upload, ...]) -> NewOpinion:
        """What was typed, for `services.opinions.recording`."""
        return NewOpinion(
            theme=Theme(self.theme.data),
            words=self.words.data or "",
            given_at=self.given_at.at,  # type: ignore[arg-type]  # required above
            branch_id=self.branch_id.data,
            user_id=self.user_id.data,
            name=self.name.data or "",
            email=self.email.data or "",
            phone=self.phone.data or "",
            language=self.language.data,
            score=small_number(str(self.score.data or "")),
            is_anonymous=bool(self.is_anonymous.data),
            papers=papers,
        )


class TakeUpForm(VersionForm):
    """An item for an opinion: one there is, or a new one with owner, measure and day."""

    item_id = SelectField(_l("Agreed item"), coerce=optional_id)
    title = StringField(_l("What is to be done"), [Length(max=200)])
    measure = TextAreaField(_l("Measure agreed"), [Length(max=4000)])
    owner_id = SelectField(_l("Owner"), coerce=optional_id)
    due_on = DayField(_l("To be done by"), [Optional()])

    def item(self) -> NewItem | None:
        """The new item; None where nothing was typed of one."""
        if not self.due_on.data or not (self.title.data or "").strip():
            return None
        return NewItem(
            self.title.data or "", self.measure.data or "", self.owner_id.data or 0, self.due_on.data
        )


class ReplyForm(VersionForm):
    """A reply. `means` is taken out by the page where a login or a mail address reaches them."""

    words = TextAreaField(_l("Reply to the opinion"), [InputRequired(), Length(max=MAX_WORDS)])
    means = RadioField(_l("How they were told"), [InputRequired()])

    def reply(self) -> Reply:
        found = member(ReplyMeans, self.means.data) if "means" in self else None
        return Reply(self.words.data or "", found)


class SettleForm(VersionForm):
    result = TextAreaField(_l("What came of it"), [InputRequired(), Length(max=MAX_WORDS)])


class OpinionFilterForm(PlainForm):
    """The filter above the list; choices come from the page."""

    theme = SelectField(_l("Theme"), validate_choice=False)
    branch = SelectField(_l("Branch"), validate_choice=False)
    source = SelectField(_l("Comes from"), validate_choice=False)
    campaign = SelectField(_l("Feedback form"), validate_choice=False)
    period = SelectField(_l("Given in"), validate_choice=False)
