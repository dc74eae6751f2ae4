"""Files of matters: pictures are shown as their re-encoded copy, everything else is only ever downloaded."""

from io import BytesIO

from flask import Blueprint, Response, request, send_file
from flask_login import login_required

from service_desk.services import documents
from service_desk.web.http import actor, files

bp = Blueprint("documents", __name__)


@bp.get("/documents/<int:document_id>")
@login_required
def show(document_id: int) -> Response:
    """The copy that is safe to show. The browser may not guess another type than the one said."""
    document = documents.get_document(document_id, actor=actor())
    response = send_file(
        BytesIO(files().get(document.storage_key)),
        mimetype=document.content_type,
        as_attachment=document.content_type != "image/jpeg",
        download_name=document.filename,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    # A document never changes, so the browser may keep it; but it asks each time, for whoever reads next at this
    # browser may not see it.
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(document.storage_key)
    response.make_conditional(request)
    return response
