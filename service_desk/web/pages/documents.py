"""Files of matters: pictures are shown as their re-encoded copy, everything else is only ever downloaded."""

from flask import Blueprint, Response
from flask_login import login_required

from service_desk.services import documents
from service_desk.web.http import actor, files

bp = Blueprint("documents", __name__)


@bp.get("/documents/<int:document_id>")
@login_required
def show(document_id: int) -> Response:
    """The copy that is safe to show. The browser may not guess another type than the one said."""
    document = documents.get_document(document_id, actor=actor())
    response = Response(files().get(document.storage_key), mimetype=document.content_type)
    is_picture = document.content_type == "image/jpeg"
    response.headers.set(
        "Content-Disposition", "inline" if is_picture else "attachment", filename=document.filename
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Kept by hash, so it never changes; only for this reader, since the next may not see it.
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response
