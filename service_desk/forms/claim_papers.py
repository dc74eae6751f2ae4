"""Forms of the page of a claim's documents, one line of the checklist each."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, MultipleFileField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import CheckboxesField, Form, small_number
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.services.claims.papers import JudgeDocument, JudgeFile, ReceiveDocument
from service_desk.services.documents import Upload


class LineForm(Form):
    """An act on one line. `line_version` is the line's as the page showed it."""

    line_version = HiddenField(default="0")

    @property
    def shown_version(self) -> int:
        return small_number(str(self.line_version.data)) or 0


class UploadForm(Form):
    files = MultipleFileField(_l("Photos or PDF"))

    def command(self, code: str, files: Sequence[Upload]) -> ReceiveDocument:
        return ReceiveDocument((code,), tuple(files))


class AcceptFileForm(LineForm):
    file_id = HiddenField(default="0")

    def command(self) -> JudgeFile:
        return JudgeFile(small_number(str(self.file_id.data)) or 0, True, "", self.shown_version)


class RejectFileForm(LineForm):
    file_id = HiddenField(default="0")
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])

    def command(self) -> JudgeFile:
        file_id = small_number(str(self.file_id.data)) or 0
        return JudgeFile(file_id, False, self.reason.data or "", self.shown_version)


class LineReasonForm(LineForm):
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])

    def command(self, code: str) -> JudgeDocument:
        return JudgeDocument(code, self.reason.data or "", self.shown_version)


class NoticeForm(Form):
    reason = TextAreaField(_l("Reason for asking again"), [Length(max=500)])


class FeaturesForm(Form):
    features = CheckboxesField(_l("What it is about"))
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])

    def chosen(self) -> frozenset[ClaimFeature]:
        """The features that are ticked."""
        return frozenset(ClaimFeature(code) for code in self.features.data or ())
