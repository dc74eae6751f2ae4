"""Files sent along with a mail: those that pass are kept with the matter, the others are named."""

from dataclasses import dataclass
from typing import Any

from service_desk.rules.inbound_mail import LEAST_INLINE_BYTES, Enclosed, Letter
from service_desk.services import documents
from service_desk.services.documents import Upload


@dataclass(frozen=True)
class Sorted:
    """The files to keep, and for each of the others its name and the code of why not."""

    kept: tuple[Upload, ...]
    refused: tuple[dict[str, Any], ...]


def sort_files(letter: Letter) -> Sorted:
    """Judge every file as a page would. Logos of signatures are neither kept nor named."""
    kept: list[Upload] = []
    refused: list[dict[str, Any]] = []
    for file in letter.enclosed:
        if _is_logo(file):
            continue
        upload = Upload(file.filename, file.content)
        code = "too_many_files" if len(kept) >= documents.MAX_FILES else documents.refusal_of_paper(upload)
        if code:
            refused.append({"filename": file.filename[:200], "code": code})
        else:
            kept.append(upload)
    return Sorted(tuple(kept), tuple(refused[:100]))


def _is_logo(file: Enclosed) -> bool:
    return (
        file.is_inline and file.content_type.startswith("image/") and len(file.content) < LEAST_INLINE_BYTES
    )
