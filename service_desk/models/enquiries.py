"""First contacts and their owners, what became of them; hand-overs, which count only when accepted."""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Line, Prose, Short, Versioned, enum_type


class EnquiryChannel(StrEnum):
    CALL = "call"
    VISIT = "visit"
    MESSAGE = "message"
    CLAIM_REPORT = "claim_report"
    MAIL = "mail"
    BOT = "bot"


class ContactKind(StrEnum):
    """What somebody wants. A complaint goes past the owner it is about, to a manager."""

    QUESTION = "question"
    REQUEST = "request"
    COMPLAINT = "complaint"
    OPINION = "opinion"


class EnquiryState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class WordMeans(StrEnum):
    """How the client said whether a matter is settled."""

    PORTAL = "portal"
    CALL = "call"
    VISIT = "visit"
    MAIL = "mail"


class HandoverState(StrEnum):
    ASKED = "asked"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class MatterKind(StrEnum):
    """What has an owner and can be offered. All but the first two change hands when somebody leaves.

    The `matter_id` of a correction and of a clock is the timer's, of a stand-in the absence's, of a report the
    recipient's.
    """

    CLAIM = "claim"
    ENQUIRY = "enquiry"
    CLOCK = "clock"
    CORRECTION = "correction"
    MISSED_COVER = "missed_cover"
    ITEM = "item"
    OUTSTANDING_LIST = "outstanding_list"
    FOLLOW_UP = "follow_up"
    SHIFT = "shift"
    STAND_IN = "stand_in"
    REPORT = "report"
    OPINION = "opinion"


class Enquiry(Versioned, Base):
    """Any call, visit or message. Its owner is whoever was first asked, until someone else accepts it.

    `hidden_from_id` is whom a complaint is about: `services.access` keeps it, and all that belongs to it, from them.
    `phone_key` is the phone as `rules.first_contact` compares it.
    """

    __tablename__ = "enquiries"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        Index(None, "account_id", "state", "opened_at"),
        Index(None, "owner_id", "state"),
        Index(
            "ix_enquiries_hidden",
            "hidden_from_id",
            sqlite_where=text("hidden_from_id IS NOT NULL"),
            postgresql_where=text("hidden_from_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    channel: Mapped[EnquiryChannel] = mapped_column(enum_type(EnquiryChannel))
    kind: Mapped[ContactKind] = mapped_column(enum_type(ContactKind), default=ContactKind.QUESTION)
    state: Mapped[EnquiryState] = mapped_column(enum_type(EnquiryState))
    subject: Mapped[Line]
    body: Mapped[Prose] = mapped_column(default="")
    caller_name: Mapped[Short]
    caller_phone: Mapped[Short] = mapped_column(default="", index=True)
    caller_email: Mapped[Line] = mapped_column(default="")
    phone_key: Mapped[Short] = mapped_column(default="", index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    first_owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicles.id"), index=True)
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("policies.id"), index=True)
    claim_id: Mapped[int | None] = mapped_column(ForeignKey("claims.id"), index=True)
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    opened_at: Mapped[Instant]
    answer: Mapped[Prose] = mapped_column(default="")
    answered_at: Mapped[Instant | None]
    closed_at: Mapped[Instant | None]
    template_id: Mapped[int | None] = mapped_column(ForeignKey("answer_templates.id"), index=True)
    hidden_from_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class EnquiryRepeat(Base):
    """The same matter asked about once more.

    `answer_before`: the answer there was, when it opened the matter again. `second_id`: the contact made of it.
    """

    __tablename__ = "enquiry_repeats"
    __table_args__ = (Index(None, "enquiry_id", "at"),)

    id: Mapped[Id]
    enquiry_id: Mapped[int] = mapped_column(ForeignKey("enquiries.id"))
    at: Mapped[Instant]
    channel: Mapped[EnquiryChannel] = mapped_column(enum_type(EnquiryChannel))
    caller_name: Mapped[Short]
    caller_phone: Mapped[Short] = mapped_column(default="")
    words: Mapped[Prose] = mapped_column(default="")
    answer_before: Mapped[Prose] = mapped_column(default="")
    taken_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    second_id: Mapped[int | None] = mapped_column(ForeignKey("enquiries.id"), unique=True)


class EnquiryClosing(Base):
    """Each time a contact was closed, by whose hands, and when it came back: past figures are counted from these.

    `is_first_contact`: by whoever was first asked, never handed over, never asked about again until then.
    """

    __tablename__ = "enquiry_closings"
    __table_args__ = (Index(None, "enquiry_id", "at"), Index(None, "at"))

    id: Mapped[Id]
    enquiry_id: Mapped[int] = mapped_column(ForeignKey("enquiries.id"))
    at: Mapped[Instant]
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    is_first_contact: Mapped[bool]
    reopened_at: Mapped[Instant | None]


class ClientWord(Base):
    """What the client said about how a matter was settled: of which answer and owner, and who wrote it down."""

    __tablename__ = "client_words"
    __table_args__ = (Index(None, "enquiry_id", "at"),)

    id: Mapped[Id]
    enquiry_id: Mapped[int] = mapped_column(ForeignKey("enquiries.id"))
    at: Mapped[Instant]
    is_satisfied: Mapped[bool]
    means: Mapped[WordMeans] = mapped_column(enum_type(WordMeans))
    said_by: Mapped[Short]
    note: Mapped[Prose] = mapped_column(default="")
    answer: Mapped[Prose] = mapped_column(default="")
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[Instant]


class AnswerTemplate(Versioned, Base):
    """An answer the desk gives often, in both languages. `account_id` None is for every account.

    The places in braces are those of `rules.answer_templates`; the trail keeps the words of every version.
    """

    __tablename__ = "answer_templates"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (Index(None, "account_id", "is_active"),)

    id: Mapped[Id]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"))
    topic: Mapped[Short]
    title: Mapped[Line]
    title_en: Mapped[Line]
    body: Mapped[Prose]
    body_en: Mapped[Prose]
    is_active: Mapped[bool] = mapped_column(default=True)
    edited_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    edited_at: Mapped[Instant]


class Handover(Versioned, Base):
    """A matter offered to another person. The first owner stays until it is accepted.

    `reminded_at` and `escalated_at` are when an offer nobody answered was told again and to the managers.
    `assigned_by_id` is the manager who gave it without consent, for the reason `assigned_reason`.
    """

    __tablename__ = "handovers"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        # One open offer a matter: the database keeps the promise when two people act at once.
        Index(
            "uq_handovers_open",
            "matter_kind",
            "matter_id",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
        Index(None, "to_id", "state"),
        Index(None, "from_id", "state"),
        Index(
            "ix_handovers_unanswered",
            "asked_at",
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    matter_kind: Mapped[MatterKind] = mapped_column(enum_type(MatterKind))
    matter_id: Mapped[int]
    matter_number: Mapped[Short]
    from_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    state: Mapped[HandoverState] = mapped_column(enum_type(HandoverState))
    note: Mapped[Line] = mapped_column(default="")
    asked_at: Mapped[Instant]
    decided_at: Mapped[Instant | None]
    refusal_reason: Mapped[Line] = mapped_column(default="")
    reminded_at: Mapped[Instant | None]
    escalated_at: Mapped[Instant | None]
    assigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    assigned_reason: Mapped[Line] = mapped_column(default="")
