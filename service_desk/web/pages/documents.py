"""Files of matters: pictures are shown as their re-encoded copy, everything else is only ever downloaded."""

from http import HTTPStatus
from io import BytesIO
from pathlib import PurePath

from flask import Blueprint, Response, request, send_file
from flask_login import login_required

from service_desk.adapters import pictures
from service_desk.models.documents import Document
from service_desk.services import documents, knowledge, messages
from service_desk.web.http import actor, files, keep_file

bp = Blueprint("documents", __name__)

JPEG = "image/jpeg"
OCTETS = "application/octet-stream"
# Whatever a browser makes of a file, it may load nothing, run nothing and knows nothing of this desk.
SANDBOX = "sandbox; default-src 'none'"


@bp.get("/documents/<int:document_id>")
@login_required
def show(document_id: int) -> Response:
    """The copy that is safe to show. The browser may not guess another type than the one said."""
    document = _readable(document_id)
    is_picture = document.content_type == JPEG
    response = _served(
        document.storage_key, document.content_type, document.filename, as_attachment=not is_picture
    )
    # A picture is shown on a page as its words are; everything else leaves the desk as a file.
    return response if is_picture else _kept(response, document, document.filename)


@bp.get("/documents/<int:document_id>/thumb")
@login_required
def thumb(document_id: int) -> Response:
    """A small copy of a picture for lists; of one from before there were any, the copy that is shown."""
    document = _readable(document_id)
    key = document.thumb_key or document.storage_key
    return _served(key, document.content_type, document.filename, as_attachment=document.content_type != JPEG)


@bp.get("/documents/<int:document_id>/original")
@login_required
def original(document_id: int) -> Response:
    """The bytes as received, as a download that names their SHA-256. For the insurer's people."""
    document = _readable(document_id)
    documents.require_original(actor=actor())
    content = files().get(document.original_key)
    ending = PurePath(document.filename).suffix.lower()
    if document.content_type == JPEG:
        ending = pictures.extension_of(content)
    name = f"{PurePath(document.filename).stem[:80]}-{document.sha256[:12]}{ending}"
    response = _served(document.original_key, OCTETS, name, as_attachment=True)
    response.headers["X-Content-SHA256"] = document.sha256
    return _kept(response, document, name)


def _kept(response: Response, document: Document, name: str) -> Response:
    """Write down that it was taken, unless the browser had it and only asked whether it still may show it."""
    if response.status_code == HTTPStatus.OK:
        keep_file(name, account_id=document.account_id)
    return response


@bp.get("/documents/<int:document_id>/inside/<int:place>")
@login_required
def inside(document_id: int, place: int) -> Response:
    """A file that a PDF carries, such as the XML of an electronic invoice, as a download."""
    document = _readable(document_id)
    content = documents.read_enclosed(files(), document, place)
    name = document.enclosed[place - 1]
    response = _sent(content, f"{document.storage_key}-{place}", OCTETS, name, as_attachment=True)
    return _kept(response, document, name)


def _readable(document_id: int) -> Document:
    """A document that one may read, with its message or article or by itself."""
    return (
        messages.find_file(document_id, actor=actor())
        or knowledge.find_file(document_id, actor=actor())
        or documents.get_document(document_id, actor=actor())
    )


def _served(key: str, content_type: str, name: str, *, as_attachment: bool) -> Response:
    return _sent(files().get(key), key, content_type, name, as_attachment=as_attachment)


def _sent(content: bytes, tag: str, content_type: str, name: str, *, as_attachment: bool) -> Response:
    response = send_file(
        BytesIO(content), mimetype=content_type, as_attachment=as_attachment, download_name=name
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = SANDBOX
    # A document never changes, so the browser may keep it; but it asks each time, for whoever reads next at this
    # browser may not see it.
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(tag)
    response.make_conditional(request)
    return response
