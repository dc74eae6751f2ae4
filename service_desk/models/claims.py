"""Claims: report, cover found, events, survey, reserve, documents wanted, calculation, payment, follow-up."""

from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Instant, Json, Line, Prose, Short, Versioned, enum_type
from service_desk.rules.claim_flow import ClaimAction, ClaimState
from service_desk.rules.follow_up import FollowUpMeans
from service_desk.rules.vocabulary import Fault


class ReportChannel(StrEnum):
    PORTAL = "portal"
    PHONE = "phone"
    VISIT = "visit"


class WantedState(StrEnum):
    REQUIRED = "required"
    RECEIVED = "received"
    REJECTED = "rejected"
    WAIVED = "waived"


class Claim(Versioned, Base):
    """One accident of one vehicle. Reopening starts a new `round` under the same number.

    `report_no` is the insurer's own number of the accident report (报案号), None where it is not known; `report_key`
    is what it is compared by (`rules.identifiers.number_key`). It numbers the notice of loss, not the vehicle: when
    several vehicles of the fleet are reported together, core systems give one to all of them as often as one to each.
    So it is not unique among claims; `services.claims.report_numbers` refuses it to another accident.
    """

    __tablename__ = "claims"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        Index(None, "account_id", "state", "reported_at"),
        Index(None, "account_id", "branch_id", "reported_at"),
        Index(None, "account_id", "loss_at"),
        Index(None, "owner_id", "state"),
        # The queue by its next due time, open and ended claims apart, so that a page costs what it shows.
        Index(
            "ix_claims_open_due",
            "account_id",
            "next_due_at",
            "id",
            # And all that the saved filters ask, so that counting them reads no row.
            "owner_id",
            "state",
            "is_disputed",
            "highest_estimate_fen",
            "deficiency_notice_at",
            "branch_id",
            "reported_by_id",
            "reported_at",
            "loss_at",
            # Empty in all of them, but SQLite looks into the row for what a query asks and the index does not have.
            "closed_at",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_claims_ended_due",
            "account_id",
            "next_due_at",
            "id",
            sqlite_where=text("closed_at IS NOT NULL"),
            postgresql_where=text("closed_at IS NOT NULL"),
        ),
        Index(
            "ix_claims_to_follow_up",
            "account_id",
            "closed_at",
            sqlite_where=text("closed_at IS NOT NULL AND followed_up_at IS NULL"),
            postgresql_where=text("closed_at IS NOT NULL AND followed_up_at IS NULL"),
        ),
        # Of the ended alone: of open claims it would say nothing, and be taken for their order all the same.
        Index(
            "ix_claims_ended",
            "account_id",
            "closed_at",
            sqlite_where=text("closed_at IS NOT NULL"),
            postgresql_where=text("closed_at IS NOT NULL"),
        ),
        # Few claims have one on the first day; those that have none cost their report nothing.
        Index(
            "ix_claims_report_key",
            "account_id",
            "report_key",
            sqlite_where=text("report_key IS NOT NULL"),
            postgresql_where=text("report_key IS NOT NULL"),
        ),
        Index(
            "ix_claims_reopened",
            "account_id",
            sqlite_where=text("round > 1"),
            postgresql_where=text("round > 1"),
        ),
        CheckConstraint("paid_fen >= 0 AND paid_fen <= approved_fen", name="paid"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    report_no: Mapped[Short | None]
    report_key: Mapped[Short | None]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"), index=True)
    plate: Mapped[Short] = mapped_column(index=True)
    state: Mapped[ClaimState] = mapped_column(enum_type(ClaimState))
    round: Mapped[int] = mapped_column(default=1)
    is_disputed: Mapped[bool] = mapped_column(default=False)

    loss_at: Mapped[Instant]
    reported_at: Mapped[Instant]
    place: Mapped[Line]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    accuracy_m: Mapped[int | None]
    is_urban: Mapped[bool] = mapped_column(default=True)
    description: Mapped[Prose]
    injured_count: Mapped[int] = mapped_column(default=0)
    other_party: Mapped[Line] = mapped_column(default="")
    channel: Mapped[ReportChannel] = mapped_column(enum_type(ReportChannel))
    reporter_name: Mapped[Short]
    callback_phone: Mapped[Short]
    late_reason: Mapped[Line] = mapped_column(default="")
    reported_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    fault: Mapped[Fault | None] = mapped_column(enum_type(Fault))

    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    reserve_fen: Mapped[Fen] = mapped_column(default=0)
    highest_estimate_fen: Mapped[Fen] = mapped_column(default=0)
    approved_fen: Mapped[Fen] = mapped_column(default=0)
    paid_fen: Mapped[Fen] = mapped_column(default=0)
    arrived_at: Mapped[Instant | None]
    surveyed_at: Mapped[Instant | None]
    is_first_scene: Mapped[bool | None]
    large_loss_noticed_at: Mapped[Instant | None]
    deficiency_notice_at: Mapped[Instant | None]
    # Set when the claim leaves the open book: closed, withdrawn or denied.
    closed_at: Mapped[Instant | None]
    denied_at: Mapped[Instant | None]
    denial_reason: Mapped[Prose] = mapped_column(default="")
    denial_letter_at: Mapped[Instant | None]
    followed_up_at: Mapped[Instant | None]
    # The earliest due time of the running clocks, kept by `services.sla.next_due` as they change.
    next_due_at: Mapped[Instant | None]


class ClaimCover(Base):
    """Cover in force at the time of loss, as found when the accident was reported."""

    __tablename__ = "claim_covers"

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("policies.id"))
    code: Mapped[Short]
    policy_number: Mapped[Short] = mapped_column(default="")
    limit_fen: Mapped[Fen | None]
    per_seat_fen: Mapped[Fen | None]
    deductible_fen: Mapped[Fen] = mapped_column(default=0)
    absolute_deductible_percent: Mapped[int] = mapped_column(default=0)
    ends_at: Mapped[Instant]


_ENDS = "('closed', 'withdrawn', 'denied')"
_OF_BOOK = f"to_state IN {_ENDS} OR from_state IN {_ENDS}"


class ClaimEvent(Base):
    """A line of the claim's time line. `at` is when it happened, `recorded_at` when it was entered."""

    __tablename__ = "claim_events"
    __table_args__ = (
        # With the moves themselves: what a claim was at an instant is read without a row.
        Index(None, "claim_id", "at", "id", "from_state", "to_state"),
        # One line in seven leaves the open book or comes back to it; `services.measures.history` asks in these words.
        Index(
            "ix_claim_events_of_book",
            "claim_id",
            "at",
            "from_state",
            "to_state",
            sqlite_where=text(_OF_BOOK),
            postgresql_where=text(_OF_BOOK),
        ),
    )

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    round: Mapped[int]
    at: Mapped[Instant]
    recorded_at: Mapped[Instant]
    kind: Mapped[Short]
    action: Mapped[ClaimAction | None] = mapped_column(enum_type(ClaimAction))
    from_state: Mapped[Short] = mapped_column(default="")
    to_state: Mapped[Short] = mapped_column(default="")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    note: Mapped[Prose] = mapped_column(default="")
    is_internal: Mapped[bool] = mapped_column(default=False)


class Survey(Base):
    __tablename__ = "surveys"

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    round: Mapped[int]
    surveyor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    arrived_at: Mapped[Instant]
    recorded_at: Mapped[Instant]
    is_first_scene: Mapped[bool]
    findings: Mapped[Prose]
    estimate_fen: Mapped[Fen]


class Assessment(Base):
    """What each damaged thing costs, as agreed or as reviewed since.

    `items` are `{label, kind, amount_fen}` and, where it is known whose they are, `party_id` and `item_id`.
    """

    __tablename__ = "assessments"

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    round: Mapped[int]
    assessor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    assessed_at: Mapped[Instant]
    method: Mapped[Line]
    items: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    total_fen: Mapped[Fen]


class ReserveEntry(Base):
    """One movement of the case reserve. `after_fen` of the latest is the reserve."""

    __tablename__ = "reserve_entries"
    __table_args__ = (Index(None, "claim_id", "at", "id", "after_fen"),)

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    at: Mapped[Instant]
    kind: Mapped[Short]
    item: Mapped[Short]
    before_fen: Mapped[Fen]
    after_fen: Mapped[Fen]
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[Line] = mapped_column(default="")


class WantedDocument(Versioned, Base):
    """One line of the checklist. Codes are labelled in presenters; `document_ids` are the files that came for it."""

    __tablename__ = "wanted_documents"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (UniqueConstraint("claim_id", "code"),)

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    code: Mapped[Short]
    state: Mapped[WantedState] = mapped_column(enum_type(WantedState))
    reason: Mapped[Line] = mapped_column(default="")
    document_ids: Mapped[list[int]] = mapped_column(Json, default=list)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[Instant | None]
    # When the paper itself, not its picture, lay on the desk.
    original_at: Mapped[Instant | None]


class ClaimCalculation(Base):
    """A frozen calculation: its inputs, the regime, every line. A change makes a new version.

    `recoveries` are `{kind, amount_fen, from}`: what is to be got back once it is paid.
    """

    __tablename__ = "claim_calculations"
    __table_args__ = (UniqueConstraint("claim_id", "calculation_version"),)

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    round: Mapped[int]
    calculation_version: Mapped[int]
    inputs: Mapped[dict[str, Any]] = mapped_column(Json)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    working: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    recoveries: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    total_fen: Mapped[Fen]
    calculated_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    calculated_at: Mapped[Instant]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    approved_at: Mapped[Instant | None]


class ClaimPayment(Base):
    """Money that went out. One of an advance has its `advance_id`; what the bank sent back stays, with when and why.

    `confirmed` are the doubts (`rules.payee`) that the clerk took upon themselves.
    """

    __tablename__ = "claim_payments"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        Index(None, "claim_id", "paid_at", "returned_at", "amount_fen"),
    )

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    calculation_id: Mapped[int | None] = mapped_column(ForeignKey("claim_calculations.id"))
    advance_id: Mapped[int | None] = mapped_column(ForeignKey("claim_advances.id"))
    amount_fen: Mapped[Fen]
    payee: Mapped[Line]
    account_number: Mapped[Short]
    bank: Mapped[Line] = mapped_column(default="")
    reference: Mapped[Line] = mapped_column(default="")
    paid_at: Mapped[Instant]
    paid_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    confirmed: Mapped[list[str]] = mapped_column(Json, default=list)
    returned_at: Mapped[Instant | None]
    returned_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    return_reason: Mapped[Line] = mapped_column(default="")


class FollowUp(Base):
    """What the client said of a round, by telephone or by the form. `by_id` is who called, None for a form.

    `enquiry_id` is the first contact that a dissatisfied answer opened.
    """

    __tablename__ = "follow_ups"

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    round: Mapped[int]
    at: Mapped[Instant]
    spoken_with: Mapped[Short]
    means: Mapped[FollowUpMeans] = mapped_column(enum_type(FollowUpMeans), default=FollowUpMeans.CALL)
    score: Mapped[int]
    speed: Mapped[int | None]
    attitude: Mapped[int | None]
    result: Mapped[int | None]
    wants_call_back: Mapped[bool] = mapped_column(default=False)
    is_dissatisfied: Mapped[bool] = mapped_column(default=False)
    comment: Mapped[Prose] = mapped_column(default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    enquiry_id: Mapped[int | None] = mapped_column(ForeignKey("enquiries.id"))
