"""Price tables and their drafts, quote sheets, policies with their coverages and endorsements, batches, cover elsewhere."""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Instant, Json, Line, Short, Versioned, enum_type
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass


class PolicyState(StrEnum):
    """What was done to the policy. Whether it is in force is a matter of the instant asked about.

    CANCELLED: ended before its agreed end. VOIDED: taken back on the day of issue, as if never issued.
    """

    ISSUED = "issued"
    CANCELLED = "cancelled"
    VOIDED = "voided"


class PolicyOrigin(StrEnum):
    """ISSUED here, or TAKEN_OVER from a list: issued by the insurer before the desk kept this account."""

    ISSUED = "issued"
    TAKEN_OVER = "taken_over"


class EndorsementKind(StrEnum):
    """What an endorsement (批单) changes. The last three end cover before the agreed end."""

    PLATE = "plate"
    VIN = "vin"
    USE = "use"
    BRANCH = "branch"
    SUM_INSURED = "sum_insured"
    ADD_COVER = "add_cover"
    REMOVE_COVER = "remove_cover"
    REPLACEMENT = "replacement"
    TOTAL_LOSS = "total_loss"
    CANCELLATION = "cancellation"


class CoverSource(StrEnum):
    CLIENT_LIST = "client_list"
    OTHER_INSURER = "other_insurer"


class RateTable(Base):
    """One version of the price table of a line. The one in force is the latest whose `effective_on` has come.

    A table of an account goes before the general ones, which have no account. A version that has not begun may
    be withdrawn: it stays, because what was priced by it points at its lines, and prices nothing more.
    `cover_set_names` holds `{code: {"zh", "en"}}`.
    """

    __tablename__ = "rate_tables"
    __table_args__ = (
        Index(
            "uq_rate_tables_account",
            "account_id",
            "line",
            "effective_on",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        # To a unique index no two NULLs are the same.
        Index(
            "uq_rate_tables_general",
            "line",
            "effective_on",
            unique=True,
            sqlite_where=text("account_id IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=text("account_id IS NULL AND withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"))
    line: Mapped[PolicyLine] = mapped_column(enum_type(PolicyLine))
    name: Mapped[Line]
    effective_on: Mapped[date]
    is_sample: Mapped[bool] = mapped_column(default=False)
    source: Mapped[Line] = mapped_column(default="")
    cover_set_names: Mapped[dict[str, dict[str, str]]] = mapped_column(Json, default=dict)
    withdrawn_at: Mapped[Instant | None]


class RateTableLine(Base):
    """Use class x band x cover set -> premium. Bands are half-open: `band_from <= x < band_to`.

    `covers` holds `{code, limit_fen, per, deductible_fen, absolute_deductible_percent}`, as `rules.rating.CoverLimit`.
    """

    __tablename__ = "rate_table_lines"

    id: Mapped[Id]
    table_id: Mapped[int] = mapped_column(ForeignKey("rate_tables.id"), index=True)
    cover_set: Mapped[Short]
    use_class: Mapped[UseClass] = mapped_column(enum_type(UseClass))
    measure: Mapped[Short]
    band_from: Mapped[int]
    band_to: Mapped[int | None]
    premium_fen: Mapped[Fen]
    per_seat: Mapped[bool] = mapped_column(default=False)
    covers: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)


class RateDraft(Versioned, Base):
    """A new version of a price table while it is being written: rows as typed or read, right or wrong.

    `rows` holds `{id, row_no, values}` and `cover_sets` `{id, row_no, code, zh, en}`: `row_no` is the row of the
    workbook it came from, None for one typed in the page. `replaces_id`: a version not yet begun whose place it takes.
    """

    __tablename__ = "rate_drafts"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Id]
    base_table_id: Mapped[int] = mapped_column(ForeignKey("rate_tables.id"))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("rate_tables.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    line: Mapped[PolicyLine] = mapped_column(enum_type(PolicyLine))
    effective_on: Mapped[date]
    source: Mapped[Line] = mapped_column(default="")
    is_sample: Mapped[bool] = mapped_column(default=False)
    filename: Mapped[Line] = mapped_column(default="")
    rows: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    cover_sets: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[Instant]


class QuoteSheet(Versioned, Base):
    """Prices offered for many vehicles, held up to and including `valid_until`.

    `start_on` None: each term was priced for the day on which the vehicle's present cover ends. `lines` holds
    what was asked for, `{line: cover set}`.
    """

    __tablename__ = "quote_sheets"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (Index(None, "account_id", "created_at"),)

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    title: Mapped[Line] = mapped_column(default="")
    lines: Mapped[dict[str, str]] = mapped_column(Json)
    start_on: Mapped[date | None]
    valid_until: Mapped[date]
    vehicle_count: Mapped[int]
    refused_count: Mapped[int]
    premium_fen: Mapped[Fen]
    tax_fen: Mapped[Fen]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[Instant]


class QuoteLine(Base):
    """A vehicle and line of a quote sheet: its premium and the price line it comes from, or why there is none.

    The vehicle's facts are kept as priced. `position` is the vehicle's place in the sheet, by branch and plate.
    """

    __tablename__ = "quote_lines"
    __table_args__ = (
        UniqueConstraint("quote_id", "vehicle_id", "line"),
        Index(None, "quote_id", "position"),
    )

    id: Mapped[Id]
    quote_id: Mapped[int] = mapped_column(ForeignKey("quote_sheets.id"))
    position: Mapped[int]
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    plate: Mapped[Short | None]
    vin: Mapped[Short | None]
    use_class: Mapped[UseClass | None] = mapped_column(enum_type(UseClass))
    seats: Mapped[int | None]
    load_kg: Mapped[int | None]
    line: Mapped[PolicyLine] = mapped_column(enum_type(PolicyLine))
    cover_set: Mapped[Short]
    first_day: Mapped[date]
    rate_line_id: Mapped[int | None] = mapped_column(ForeignKey("rate_table_lines.id"))
    base_fen: Mapped[Fen | None]
    ctpl_float: Mapped[Short | None]
    premium_fen: Mapped[Fen | None]
    tax_fen: Mapped[Fen] = mapped_column(default=0)
    refusal: Mapped[Short] = mapped_column(default="")
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class IssueBatch(Base):
    """Policies issued in one act, printed as one bundle.

    While its `IssueRun` is open the counts grow, portion by portion. An undone batch keeps its counts; its
    policies are voided.
    """

    __tablename__ = "issue_batches"

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    issued_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    issued_at: Mapped[Instant]
    policy_count: Mapped[int]
    premium_fen: Mapped[Fen]
    delivered_at: Mapped[Instant | None]
    delivered_to: Mapped[Short] = mapped_column(default="")
    undone_at: Mapped[Instant | None]
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    undo_reason: Mapped[Line] = mapped_column(default="")
    quote_id: Mapped[int | None] = mapped_column(ForeignKey("quote_sheets.id"), index=True)


class IssueRefusal(Base):
    """What of a batch's order was not issued, and one reason: a line of a vehicle, or a row of the order's list.

    A row that names no vehicle of the account has `row_no` and `field` and no vehicle; `plate` then holds what
    stands in it.
    """

    __tablename__ = "issue_refusals"

    id: Mapped[Id]
    batch_id: Mapped[int] = mapped_column(ForeignKey("issue_batches.id"), index=True)
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicles.id"))
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    plate: Mapped[Line] = mapped_column(default="")
    line: Mapped[PolicyLine | None] = mapped_column(enum_type(PolicyLine))
    row_no: Mapped[int | None]
    field: Mapped[Short] = mapped_column(default="")
    code: Mapped[Short]
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class IssueRun(Base):
    """A large order that is worked off in portions by a job. Open while `finished_at` is None.

    `vehicle_count` vehicles wait for it or are done; what was refused when the order was confirmed is not counted.
    """

    __tablename__ = "issue_runs"
    __table_args__ = (
        Index(
            "ix_issue_runs_open",
            "account_id",
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    batch_id: Mapped[int] = mapped_column(ForeignKey("issue_batches.id"), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    vehicle_count: Mapped[int]
    done_count: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[Instant]
    finished_at: Mapped[Instant | None]


class IssuePortion(Base):
    """Some vehicles of a run, issued in one transaction: wholly or not at all.

    `items` holds a list a vehicle: id, first day or None, float, tax in fen, and each line with its cover set and
    the sum confirmed for it; `due_fen` is the sum of those, owed as soon as it is issued. A worker takes a portion until `taken_until`; the one that sets `done_at` has issued it.
    """

    __tablename__ = "issue_portions"
    __table_args__ = (
        Index(None, "run_id"),
        Index(
            "ix_issue_portions_open",
            "id",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(ForeignKey("issue_runs.id"))
    items: Mapped[list[Any]] = mapped_column(Json)
    due_fen: Mapped[Fen]
    taken_until: Mapped[Instant | None]
    done_at: Mapped[Instant | None]


class IssueList(Base):
    """A file that names vehicles to issue for, as it was read.

    `rows`: for each vehicle found its id and what the row says of float, tax, first day and lines. `problems`: the
    rows that cannot be used, each with its number, field and reason.
    """

    __tablename__ = "issue_lists"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    filename: Mapped[Line]
    rows: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[Instant]


class Policy(Versioned, Base):
    """A policy. `ends_at` is exclusive: 24:00 of the last day. The vehicle's facts are kept as insured.

    `starts_at` to `ends_at` is when it gives cover: a cancellation cuts it to the instant it takes effect, and a
    policy voided or cancelled before its start covers nothing (`ends_at == starts_at`), so whoever asks for cover
    asks for the term and needs no state. `agreed_ends_at` keeps the end as issued. `premium_fen` is the premium
    as issued; endorsements carry what they add or return. `tax_fen` is vehicle tax collected with it.
    Plate, VIN, branch, cover set, price line and facts are those after the last endorsement; `issued_branch_id`
    is the branch at issue. `annual_fen` is the premium of a whole year after the last endorsement, None while it
    is `premium_fen`; `year_days` are the days of the year it is priced for, None: those of the agreed term.
    A policy that goes on for a replaced vehicle names the one before in `replaces_id` and is shorter than its year.
    """

    __tablename__ = "policies"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("ends_at >= starts_at AND agreed_ends_at > starts_at", name="term"),
        Index(None, "account_id", "ends_at"),
        Index(None, "account_id", "issued_at"),
        Index(None, "vehicle_id", "line", "ends_at"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"), index=True)
    issued_branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    origin: Mapped[PolicyOrigin] = mapped_column(enum_type(PolicyOrigin), default=PolicyOrigin.ISSUED)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("issue_batches.id"), index=True)
    line: Mapped[PolicyLine] = mapped_column(enum_type(PolicyLine))
    cover_set: Mapped[Short]
    state: Mapped[PolicyState] = mapped_column(enum_type(PolicyState))
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    agreed_ends_at: Mapped[Instant]
    premium_fen: Mapped[Fen]
    annual_fen: Mapped[Fen | None]
    year_days: Mapped[int | None]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("policies.id"), unique=True)
    tax_fen: Mapped[Fen] = mapped_column(default=0)
    ctpl_float: Mapped[Short | None]
    rate_line_id: Mapped[int | None] = mapped_column(ForeignKey("rate_table_lines.id"))
    insured_name: Mapped[Line]
    plate: Mapped[Short | None] = mapped_column(index=True)
    vin: Mapped[Short | None]
    vehicle_facts: Mapped[dict[str, Any]] = mapped_column(Json)
    issued_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    issued_at: Mapped[Instant]
    delivered_at: Mapped[Instant | None]


class Coverage(Base):
    """A cover of a policy with its limits. `per_seat_fen` is set for carrier's liability.

    `from_at` None: from the policy's start; `to_at` None: to its end. An endorsement that changes a limit or
    removes the cover closes the row at its instant and may begin another.
    """

    __tablename__ = "coverages"

    id: Mapped[Id]
    policy_id: Mapped[int] = mapped_column(ForeignKey("policies.id"), index=True)
    code: Mapped[CoverCode] = mapped_column(enum_type(CoverCode))
    limit_fen: Mapped[Fen | None]
    per_seat_fen: Mapped[Fen | None]
    deductible_fen: Mapped[Fen] = mapped_column(default=0)
    absolute_deductible_percent: Mapped[int] = mapped_column(default=0)
    from_at: Mapped[Instant | None]
    to_at: Mapped[Instant | None]


class Endorsement(Base):
    """A change of a policy from an instant on, numbered within it by `ordinal` from 1.

    `before` and `after` hold what it changed, by field; undoing `before` of those that take effect later gives
    the policy as of an instant. `premium_fen` is additional premium, negative when premium is returned; `working`
    is how it came about. Of one replacement the old policy's endorsement names the new policy in `after`.
    `before` and `after` may hold plate, vin, vehicle_facts (whole), branch_id, cover_set, rate_line_id, annual_fen,
    ends_at (text), state and covers (a list of limits); `after` alone holds cause (of a cancellation),
    replaced_by (a policy's number) and kept_fen (premium of days to come that a total loss does not give back).
    """

    __tablename__ = "endorsements"
    __table_args__ = (
        UniqueConstraint("policy_id", "ordinal"),
        Index(None, "account_id", "created_at"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"), index=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("policies.id"))
    ordinal: Mapped[int]
    kind: Mapped[EndorsementKind] = mapped_column(enum_type(EndorsementKind))
    effective_at: Mapped[Instant]
    premium_fen: Mapped[Fen] = mapped_column(default=0)
    before: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    working: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    reason: Mapped[Line] = mapped_column(default="")
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[Instant]
    delivered_at: Mapped[Instant | None]


class ExternalCover(Base):
    """Cover we did not issue: the expiry the client's list states, and what else is known of it.

    `starts_at` None: not known; it then counts as covered up to its end.
    """

    __tablename__ = "external_covers"
    __table_args__ = (UniqueConstraint("vehicle_id", "line"), Index(None, "account_id", "ends_at"))

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    line: Mapped[PolicyLine] = mapped_column(enum_type(PolicyLine))
    starts_at: Mapped[Instant | None]
    ends_at: Mapped[Instant]
    insurer: Mapped[Line] = mapped_column(default="")
    number: Mapped[Short] = mapped_column(default="")
    premium_fen: Mapped[Fen | None]
    source: Mapped[CoverSource] = mapped_column(enum_type(CoverSource))
    noted_at: Mapped[Instant]


class CoverRequirement(Base):
    """What a use class must be covered for from a day on; without an account, every account that has no version.

    `layers` are codes of `CoverCode`. A version is never changed once its day is over: a new one follows it.
    """

    __tablename__ = "cover_requirements"
    __table_args__ = (
        UniqueConstraint("account_id", "use_class", "effective_on"),
        # To a unique constraint no two NULLs are the same.
        Index(
            "uq_cover_requirements_general",
            "use_class",
            "effective_on",
            unique=True,
            sqlite_where=text("account_id IS NULL"),
            postgresql_where=text("account_id IS NULL"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"))
    use_class: Mapped[UseClass] = mapped_column(enum_type(UseClass))
    layers: Mapped[list[str]] = mapped_column(Json)
    effective_on: Mapped[date]
    source: Mapped[Line] = mapped_column(default="")
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[Instant | None]
