"""The one paper that proves an act: sent along with its form, or received with a form that was refused before."""

from dataclasses import dataclass

from flask import request

from service_desk.forms.fields import Form
from service_desk.services.documents import Upload
from service_desk.web import kept_uploads
from service_desk.web.http import uploads
from service_desk.web.kept_uploads import KeptUpload


@dataclass(frozen=True)
class Evidence:
    """`kept` stands for a paper received before; one that is sent now takes its place."""

    sent: Upload | None
    kept: KeptUpload | None

    @property
    def upload(self) -> Upload | None:
        """The paper, None when there is none."""
        return self.sent or (self.kept.upload if self.kept else None)


def received(form: Form) -> Evidence:
    """The paper of a form's field `evidence`. One received before is as good as one that is sent."""
    sent = uploads("evidence")[:1]
    kept = [] if sent else kept_uploads.restore(request.form.getlist("kept"))[:1]
    if kept:
        form["evidence"].validators = ()
    return Evidence(sent[0] if sent else None, kept[0] if kept else None)


def still_kept(evidence: Evidence, form: Form) -> KeptUpload | None:
    """What need not be chosen again when the form is shown again; nothing when the paper was refused itself."""
    if form["evidence"].errors:
        return None
    if evidence.sent is None:
        return evidence.kept
    return next(iter(kept_uploads.keep([evidence.sent], or_pdf=True)), None)
