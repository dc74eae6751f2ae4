"""A new version of a price table: written in the page or brought as a workbook, judged, and made.

A draft keeps every row as typed or read, right or wrong, so that nothing is lost; a version is made of it when
nothing is wrong with it any more. Versions that have begun are never touched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import squeeze
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import RateDraft, RateTable
from service_desk.models.users import User
from service_desk.rules import price_sheet
from service_desk.rules.permissions import Action
from service_desk.rules.price_sheet import CoverSetRow, Judged, LineChange, PriceRow, values_of
from service_desk.rules.rating import RateLine
from service_desk.services import access, audit, submissions
from service_desk.services.documents import Upload
from service_desk.services.policies import rates
from service_desk.services.policies.rates import PriceTable

# The trail keeps so many changed lines one by one; the versions themselves keep all.
_MOST_TOLD = 60


@dataclass(frozen=True)
class DraftDetails:
    """From when the new version counts, and for whom.

    `is_agreed`: a sample table becomes a real one; `for_account_id`: it counts for that account only.
    """

    effective_on: date
    source: str = ""
    is_agreed: bool = False
    for_account_id: int | None = None


@dataclass(frozen=True)
class DraftView:
    """A draft with the version it began from, what is wrong with it and what it changes."""

    draft: RateDraft
    base: PriceTable
    rows: list[PriceRow]
    cover_sets: list[CoverSetRow]
    judged: Judged
    changes: list[LineChange]
    names_changed: list[str]

    @property
    def is_unchanged(self) -> bool:
        """Whether the version would say nothing that the one before does not."""
        draft, base = self.draft, self.base.table
        is_alike = (draft.account_id, draft.is_sample) == (base.account_id, base.is_sample)
        return is_alike and not (draft.replaces_id or self.changes or self.names_changed)


def begin(
    table_id: int,
    details: DraftDetails,
    upload: Upload | None = None,
    *,
    key: str = "",
    actor: User,
    now: datetime,
) -> int:
    """Begin a new version from the lines of a version, or from a workbook; the id of the draft.

    A version that has not begun is replaced by it. Invalid as `_check_details`, or on `file` as `read_book`.
    """
    access.require(actor, Action.MANAGE_SETTINGS)
    base = rates.get_table(table_id, actor=actor)
    if base.table.withdrawn_at is not None:
        raise Conflict("rate_version_withdrawn")
    if details.for_account_id is not None:
        access.get_account(actor, details.for_account_id)
    draft = _new_draft(base, details, actor, now)
    _check_details(draft, now)
    if upload is None:
        _fill_from_table(draft, base)
    else:
        _fill_from_file(draft, upload, base)

    def make() -> str:
        db.session.add(draft)
        db.session.flush()
        return str(draft.id)

    return int(submissions.once("rate_draft", key, make, actor=actor, now=now))


def _new_draft(base: PriceTable, details: DraftDetails, actor: User, now: datetime) -> RateDraft:
    account_id = details.for_account_id or base.table.account_id
    is_replacing = account_id == base.table.account_id and not base.has_begun(local_date(now))
    return RateDraft(
        base_table_id=base.table.id,
        replaces_id=base.table.id if is_replacing else None,
        account_id=account_id,
        line=base.table.line,
        effective_on=details.effective_on,
        source=squeeze(details.source),
        is_sample=base.table.is_sample and not details.is_agreed,
        created_by_id=actor.id,
        created_at=now,
    )


def _check_details(draft: RateDraft, now: datetime) -> None:
    """Invalid `rate_starts_in_the_past` and `rate_version_exists` on `effective_on`."""
    today, day = local_date(now), draft.effective_on
    if day < today:
        raise Invalid("rate_starts_in_the_past", field="effective_on", today=today.isoformat())
    there = rates.version_on(draft.account_id, draft.line, day)
    if there is not None and there.id != draft.replaces_id:
        raise Invalid("rate_version_exists", field="effective_on", day=day.isoformat())


def _fill_from_table(draft: RateDraft, base: PriceTable) -> None:
    rows = [PriceRow(index, None, values_of(rate)) for index, rate in enumerate(base.lines, start=1)]
    _keep(draft, rows, _names_of(base))


def _names_of(base: PriceTable) -> list[CoverSetRow]:
    return [
        CoverSetRow(index, None, code, names["zh"], names["en"])
        for index, (code, names) in enumerate(base.table.cover_set_names.items(), start=1)
    ]


def _fill_from_file(draft: RateDraft, upload: Upload, base: PriceTable) -> None:
    """Take the rows of a workbook; one that does not name its cover sets means those of the version before."""
    rows, cover_sets = price_sheet.read_book(read_workbook(upload.content), draft.line)
    _keep(draft, rows, cover_sets or _names_of(base))
    draft.filename = squeeze(upload.filename)[:200]


def _keep(draft: RateDraft, rows: Sequence[PriceRow], cover_sets: Sequence[CoverSetRow]) -> None:
    draft.rows = [{"id": row.id, "row_no": row.row_no, "values": row.values} for row in rows]
    draft.cover_sets = [
        {"id": row.id, "row_no": row.row_no, "code": row.code, "zh": row.zh, "en": row.en}
        for row in cover_sets
    ]


def list_drafts(account_id: int, *, actor: User) -> list[RateDraft]:
    """Drafts that concern an account: its own and those of general tables, the latest first."""
    access.require(actor, Action.MANAGE_SETTINGS)
    access.get_account(actor, account_id)
    statement = select(RateDraft).where((RateDraft.account_id == account_id) | RateDraft.account_id.is_(None))
    return list(db.session.scalars(statement.order_by(RateDraft.id.desc())))


def get_draft(draft_id: int, *, actor: User) -> DraftView:
    """A draft, judged and compared; NotFound for another account's or none."""
    draft = _find(draft_id, actor)
    base = rates.get_table(draft.base_table_id, actor=actor)
    rows = [PriceRow(**row) for row in draft.rows]
    cover_sets = [CoverSetRow(**row) for row in draft.cover_sets]
    judged = price_sheet.judge(draft.line, rows, cover_sets)
    old = base.table.cover_set_names
    names_changed = [
        code for code in dict.fromkeys([*old, *judged.names]) if old.get(code) != judged.names.get(code)
    ]
    changes = price_sheet.differences(base.lines, list(judged.rates.values()))
    return DraftView(draft, base, rows, cover_sets, judged, changes, names_changed)


def _find(draft_id: int, actor: User, *, lock: bool = False) -> RateDraft:
    access.require(actor, Action.MANAGE_SETTINGS)
    draft = db.session.get(RateDraft, draft_id, with_for_update=lock, populate_existing=lock)
    if draft is None:
        raise NotFound("not_found")
    if draft.account_id is not None:
        access.get_visible(actor, Action.MANAGE_SETTINGS, KeyAccount, KeyAccount.id == draft.account_id)
    return draft


def save_details(draft_id: int, effective_on: date, source: str, *, actor: User, now: datetime) -> None:
    """Choose another first day or source; Invalid as `begin`."""
    draft = _find(draft_id, actor, lock=True)
    draft.effective_on, draft.source = effective_on, squeeze(source)
    with db.session.no_autoflush:
        _check_details(draft, now)


def replace_rows(draft_id: int, upload: Upload, *, actor: User) -> None:
    """Take the rows of another workbook in place of all that is in the draft."""
    draft = _find(draft_id, actor, lock=True)
    _fill_from_file(draft, upload, rates.get_table(draft.base_table_id, actor=actor))


def save_prices(draft_id: int, prices: Mapping[int, str], removed: Sequence[int], *, actor: User) -> None:
    """Write premiums by id of the row, as typed, and take lines out.

    InvalidMany with `premium-<id>` for what is no price.
    """
    draft = _find(draft_id, actor, lock=True)
    gone, known = set(removed), _known_sets(draft)
    rows = [PriceRow(**row) for row in draft.rows if row["id"] not in gone]
    wrong, kept = [], []
    for row in rows:
        typed = prices.get(row.id)
        values = row.values if typed is None else {**row.values, "premium": squeeze(typed)}
        if values != row.values:
            wrong += [
                Invalid(problem.code, field=f"premium-{row.id}", **problem.params)
                for problem in price_sheet.problems_of(draft.line, values, known)
                if problem.field == "premium"
            ]
        kept.append(PriceRow(row.id, row.row_no, values))
    if wrong:
        raise InvalidMany(wrong)
    _keep(draft, kept, [CoverSetRow(**row) for row in draft.cover_sets])


def _known_sets(draft: RateDraft) -> dict[str, str]:
    return price_sheet.known_cover_sets([CoverSetRow(**row) for row in draft.cover_sets])


def save_line(draft_id: int, row_id: int | None, values: Mapping[str, str], *, actor: User) -> None:
    """Write one line, a new one when `row_id` is None.

    InvalidMany by field for what is wrong with it; Conflict `stale` when the line is gone.
    """
    draft = _find(draft_id, actor, lock=True)
    known = {name: squeeze(values.get(name, "")) for name in price_sheet.fields_of(draft.line)}
    answer = price_sheet.read_row(draft.line, known, _known_sets(draft))
    if not isinstance(answer, RateLine):
        raise InvalidMany([Invalid(one.code, field=one.field, **one.params) for one in answer])
    rows = [PriceRow(**row) for row in draft.rows]
    if row_id is None:
        if len(rows) >= price_sheet.MOST_ROWS:
            raise Invalid("price_file_long", most=price_sheet.MOST_ROWS)
        rows.append(PriceRow(max((row.id for row in rows), default=0) + 1, None, values_of(answer)))
    elif row_id in {row.id for row in rows}:
        rows = [PriceRow(row.id, row.row_no, values_of(answer)) if row.id == row_id else row for row in rows]
    else:
        raise Conflict("stale")
    _keep(draft, rows, [CoverSetRow(**row) for row in draft.cover_sets])


def save_cover_sets(draft_id: int, cover_sets: Sequence[CoverSetRow], *, actor: User) -> None:
    """Write codes and names of the cover sets; one with the id 0 is new. Lines follow a code that is changed.

    InvalidMany with `<code|zh|en>-<id>` for what is wrong.
    """
    draft = _find(draft_id, actor, lock=True)
    judged = price_sheet.judge(draft.line, [], cover_sets)
    wrong = [
        Invalid(problem.code, field=f"{problem.field}-{row_id}", **problem.params)
        for row_id, problems in judged.cover_set_problems.items()
        for problem in problems
    ]
    if wrong:
        raise InvalidMany(wrong)
    before = {row["id"]: row["code"] for row in draft.cover_sets}
    renamed = {before[row.id]: row.code for row in cover_sets if row.id in before}
    rows = [PriceRow(**row) for row in draft.rows]
    followed = [
        PriceRow(
            row.id,
            row.row_no,
            {
                **row.values,
                "cover_set": renamed.get(row.values.get("cover_set", ""), row.values.get("cover_set", "")),
            },
        )
        for row in rows
    ]
    free = max(before, default=0) + 1
    _keep(draft, followed, [replace(row, id=row.id or free) for row in cover_sets])


def discard(draft_id: int, *, actor: User) -> None:
    """Throw a draft away; no version is touched."""
    db.session.delete(_find(draft_id, actor, lock=True))


def confirm(draft_id: int, *, accepts_holes: bool, key: str = "", actor: User, now: datetime) -> int:
    """Make the version; the id of the new table. The same key twice makes one.

    Invalid: `rate_draft_unsound`, `rates_unchanged`, `rate_holes_not_seen`, `cover_set_named_otherwise`, and as
    `begin`; Conflict `rate_version_begun` when the version it would replace began meanwhile.
    """
    access.require(actor, Action.MANAGE_SETTINGS)
    return int(
        submissions.once(
            "rates_changed",
            key,
            lambda: str(_make(draft_id, accepts_holes=accepts_holes, actor=actor, now=now).id),
            actor=actor,
            now=now,
        )
    )


def _make(draft_id: int, *, accepts_holes: bool, actor: User, now: datetime) -> RateTable:
    draft = _find(draft_id, actor, lock=True)
    view = get_draft(draft_id, actor=actor)
    replaced = rates.lock_not_begun(draft.replaces_id, now=now) if draft.replaces_id else None
    _check_version(view, now, accepts_holes=accepts_holes)
    if replaced is not None:
        replaced.withdrawn_at = now
        db.session.flush()
    table = RateTable(
        account_id=draft.account_id,
        line=draft.line,
        name=view.base.table.name,
        effective_on=draft.effective_on,
        source=draft.source,
        is_sample=draft.is_sample,
        cover_set_names=_names_sold(view),
    )
    try:
        with db.session.begin_nested():
            rates.write(table, view.judged.rates.values())
    except IntegrityError:
        # Another draft for the same day was made a moment ago.
        raise Invalid(
            "rate_version_exists", field="effective_on", day=draft.effective_on.isoformat()
        ) from None
    audit.record(
        "rates_changed", table, actor=actor, now=now, changes=_told(view), account_id=draft.account_id
    )
    db.session.delete(draft)
    return table


def _check_version(view: DraftView, now: datetime, *, accepts_holes: bool) -> None:
    draft, judged = view.draft, view.judged
    _check_details(draft, now)
    if not judged.is_sound:
        raise Invalid("rate_draft_unsound")
    if view.is_unchanged:
        raise Invalid("rates_unchanged")
    if judged.holes and not accepts_holes:
        raise Invalid("rate_holes_not_seen", field="accepts_holes")
    _check_names(view)


def _check_names(view: DraftView) -> None:
    """A code means one thing everywhere: policies of all accounts are shown by it."""
    owner = view.draft.account_id
    others = select(RateTable).where(RateTable.withdrawn_at.is_(None)).order_by(RateTable.id)
    sold = _names_sold(view)
    for table in db.session.scalars(others):
        if (table.account_id, table.line) == (owner, view.draft.line):
            continue
        for code, names in table.cover_set_names.items():
            if code in sold and sold[code] != names:
                raise Invalid("cover_set_named_otherwise", value=code, name=f"{names['zh']} / {names['en']}")


def _names_sold(view: DraftView) -> dict[str, dict[str, str]]:
    """The names of the cover sets that have a price."""
    sold = {rate.cover_set for rate in view.judged.rates.values()}
    return {code: names for code, names in view.judged.names.items() if code in sold}


def _told(view: DraftView) -> dict[str, tuple[Any, Any]]:
    """The changes for the trail: how many, and the first of them one by one."""
    told: dict[str, tuple[Any, Any]] = {
        "effective_on": (view.base.table.effective_on, view.draft.effective_on),
        "line_count": (len(view.base.lines), len(view.judged.rates)),
    }
    for change in view.changes[:_MOST_TOLD]:
        rate = change.rate
        name = f"{rate.cover_set} {rate.use_class.value} {rate.band_from:f}"
        before, after = change.before, change.after
        told[name] = (before and before.premium_fen, after and after.premium_fen)
    return told
