"""Photos and papers of a form that was refused: kept, so that nobody sends them twice over a poor signal.

A signed token stands for each in the form that is shown again. It holds the file's key and name, serves only
the person who sent it, and ends after a day. A file that no form takes up stays in the store, unlinked.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from service_desk.adapters import pictures
from service_desk.adapters.file_store import NoRoom
from service_desk.services import documents
from service_desk.services.documents import Upload
from service_desk.web.http import actor, files

MAX_AGE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class KeptUpload:
    """A file received before, and the token that stands for it."""

    token: str
    upload: Upload


def keep(uploads: Iterable[Upload], *, or_pdf: bool = False) -> list[KeptUpload]:
    """Keep what is a picture or, for papers, a PDF; the rest was the reason of the refusal or soon would be.

    On a full disk nothing more is kept: the refusal says so, and the files are to be chosen again.
    """
    kept = []
    for upload in uploads:
        if len(upload.content) > documents.MAX_PHOTO_BYTES:
            continue
        if not (_is_picture(upload) or (or_pdf and documents.is_pdf(upload))):
            continue
        try:
            key = files().put(upload.content)
        except NoRoom:
            break
        kept.append(KeptUpload(_serializer().dumps([key, upload.filename[-200:]]), upload))
    return kept


def restore(tokens: Iterable[str]) -> list[KeptUpload]:
    """The files of tokens sent back. A token that is another's, too old or made up stands for nothing."""
    found = (find(token) for token in dict.fromkeys(tokens))
    return [kept for kept in found if kept is not None]


def find(token: str) -> KeptUpload | None:
    """The file of one token, None when it stands for nothing."""
    try:
        key, filename = _serializer().loads(token, max_age=MAX_AGE_SECONDS)
        return KeptUpload(token, Upload(filename, files().get(key)))
    except (BadSignature, FileNotFoundError):
        return None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"kept-uploads:{actor().id}")


def _is_picture(upload: Upload) -> bool:
    try:
        pictures.make_safe(upload.content)
    except pictures.NotAPicture:
        return False
    return True
