"""Forms of messages on a matter's page. They stand beside other forms, so their fields have names of their own."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, MultipleFileField, TextAreaField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import Form
from service_desk.rules.messaging import MAX_WORDS
from service_desk.services.documents import Upload
from service_desk.services.messages import MAX_REASON, NewMessage


class MessageForm(Form):
    """`is_interim` is for the desk while the client waits; the page takes it out for others."""

    body = TextAreaField(_l("Message"), [Length(max=MAX_WORDS)])
    files = MultipleFileField(_l("Photos or PDF"))
    is_interim = BooleanField(_l("Only a word in between: the answer is still to come"))

    def message(self, files: Sequence[Upload]) -> NewMessage:
        """What the form says, with the files that came."""
        return NewMessage(
            body=self.body.data or "",
            files=tuple(files),
            is_interim="is_interim" in self and bool(self.is_interim.data),
        )


class NoAnswerForm(Form):
    reason = TextAreaField(_l("Why no answer is needed"), [InputRequired(), Length(max=MAX_REASON)])
