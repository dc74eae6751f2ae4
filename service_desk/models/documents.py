"""Files kept for a matter: originals with their hash, and the re-encoded copies shown."""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Short, enum_type
from service_desk.rules.claim_photos import PhotoGroup


class DocumentKind(StrEnum):
    FLEET_LIST = "fleet_list"
    SCENE_PHOTO = "scene_photo"
    SURVEY_PHOTO = "survey_photo"
    ASSESSMENT_PHOTO = "assessment_photo"
    CLAIM_DOCUMENT = "claim_document"
    PAUSE_EVIDENCE = "pause_evidence"
    REVIEW_EVIDENCE = "review_evidence"
    VEHICLE_LICENCE = "vehicle_licence"
    POLICY_LIST = "policy_list"
    DELIVERY_RECEIPT = "delivery_receipt"
    SURVEY_SKETCH = "survey_sketch"
    DISPUTE_EVIDENCE = "dispute_evidence"
    OUTSTANDING_LIST = "outstanding_list"
    CLAIM_LETTER = "claim_letter"
    MESSAGE_FILE = "message_file"
    ENQUIRY_FILE = "enquiry_file"
    MEETING_PAPER = "meeting_paper"
    OPINION_FORM = "opinion_form"
    KNOWLEDGE_FILE = "knowledge_file"


class Document(Base):
    """`storage_key` is what may be served; `original_key` the bytes as received, never served as a page.

    `taken_at` and the position are the photo's own, read before the shown copy lost them; `uploaded_at` is the
    server's clock. `thumb_key` is a small copy for lists. `enclosed` names the files that a PDF carries inside.
    """

    __tablename__ = "documents"
    __table_args__ = (Index(None, "matter_kind", "matter_id"), Index(None, "sha256"))

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    matter_kind: Mapped[Short]
    matter_id: Mapped[int | None]
    kind: Mapped[DocumentKind] = mapped_column(enum_type(DocumentKind))
    filename: Mapped[Line]
    content_type: Mapped[Short]
    size_bytes: Mapped[int]
    sha256: Mapped[Short]
    original_key: Mapped[Line]
    storage_key: Mapped[Line]
    width: Mapped[int | None]
    height: Mapped[int | None]
    thumb_key: Mapped[Line | None]
    enclosed: Mapped[list[str]] = mapped_column(Json, default=list)
    taken_at: Mapped[Instant | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    photo_group: Mapped[PhotoGroup | None] = mapped_column(enum_type(PhotoGroup))
    uploaded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    uploaded_at: Mapped[Instant]
