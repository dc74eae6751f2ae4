"""Forms of guides and cases: filters, drafts, their review, what readers say, and bulletins."""

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import (
    CheckboxesField,
    DayField,
    Form,
    RadioField,
    SelectField,
    member,
    small_number,
)
from service_desk.models.knowledge import ArticleVersion, Bulletin
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.knowledge import ArticleKind, HelpMoment
from service_desk.rules.vocabulary import UseClass
from service_desk.services.knowledge import ArticleTerms, Topics
from service_desk.services.knowledge.bulletins import BulletinTerms

_WORDS = ("title", "title_en", "summary", "summary_en", "body", "body_en", "change_note")
_MOST_TEXT = 20_000


class StepForm(Form):
    """An act on a version as its page showed it."""

    version = HiddenField(default="0")

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


class ReasonForm(StepForm):
    """An act that needs its reason said."""

    reason = TextAreaField(_l("Reason"), [InputRequired(), Length(max=1000)])


class FileForm(StepForm):
    """A picture or PDF for a draft."""

    file = FileField(_l("Picture or PDF"))


class ArticleForm(StepForm):
    """A draft in both languages, and what it helps with; the page fills the choices."""

    title = StringField(_l("Title"), [InputRequired(), Length(max=200)])
    title_en = StringField(_l("Title, in English"), [Length(max=200)])
    summary = TextAreaField(_l("In one sentence"), [Length(max=500)])
    summary_en = TextAreaField(_l("In one sentence, in English"), [Length(max=500)])
    body = TextAreaField(_l("Text"), [Length(max=_MOST_TEXT)])
    body_en = TextAreaField(_l("Text, in English"), [Length(max=_MOST_TEXT)])
    moments = CheckboxesField(_l("When it helps"), choices=[])
    use_classes = CheckboxesField(_l("Vehicle classes"), choices=[])
    features = CheckboxesField(_l("Claim types"), choices=[])
    change_note = StringField(_l("What is new in this version"), [Length(max=200)])

    @staticmethod
    def values_of(row: ArticleVersion, topics: Topics) -> dict[str, Any]:
        """What the form shows of a draft."""
        return {
            "version": row.version,
            "features": sorted(topics.features),
            "use_classes": sorted(topics.use_classes),
            "moments": sorted(topics.moments),
            **{name: getattr(row, name) for name in _WORDS},
        }

    def terms(self) -> ArticleTerms:
        """What was typed and chosen."""
        topics = Topics(
            frozenset(map(ClaimFeature, self.features.data or ())),
            frozenset(map(UseClass, self.use_classes.data or ())),
            frozenset(map(HelpMoment, self.moments.data or ())),
        )
        return ArticleTerms(topics=topics, **{name: self[name].data or "" for name in _WORDS})


class NewArticleForm(ArticleForm):
    """An article that is begun."""

    FIRST = ("kind", "audience")

    kind = SelectField(_l("Kind"), [InputRequired()], choices=[])
    audience = SelectField(_l("For whom"), [InputRequired()], choices=[])

    @property
    def chosen_kind(self) -> ArticleKind:
        kind: ArticleKind = member(ArticleKind, self.kind.data) or ArticleKind.GUIDE
        return kind


class OpinionForm(Form):
    """Whether a text helped, with a word."""

    helped = RadioField(
        _l("Was this helpful?"), [InputRequired()], choices=[("yes", _l("Yes")), ("no", _l("No"))]
    )
    word = StringField(_l("What is missing or wrong?"), [Length(max=1000)])


class BulletinForm(StepForm):
    """Which articles are told, with a word from the desk."""

    dated_on = DayField(_l("Date"), [InputRequired()])
    intro = TextAreaField(_l("Introduction"), [InputRequired(), Length(max=2000)])
    intro_en = TextAreaField(_l("Introduction, in English"), [InputRequired(), Length(max=2000)])
    articles = CheckboxesField(_l("Articles"), choices=[])

    @staticmethod
    def values_of(row: Bulletin, slugs: list[str]) -> dict[str, Any]:
        """What the form shows of a bulletin."""
        return {
            "version": row.version,
            "dated_on": row.dated_on,
            "intro": row.intro,
            "intro_en": row.intro_en,
            "articles": slugs,
        }

    def terms(self) -> BulletinTerms:
        """What was typed and chosen; articles in the order they are offered."""
        day: date = self.dated_on.data
        chosen = set(self.articles.data or ())
        slugs = tuple(slug for slug, _words in self.articles.pairs if slug in chosen)
        return BulletinTerms(day, self.intro.data or "", self.intro_en.data or "", slugs)
