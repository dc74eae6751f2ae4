"""The rows behind the overview's figures as spreadsheets: the columns of their pages."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet, Value
from service_desk.presenters.dashboard import behind_title
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.services.dashboard import Behind, BehindClaim, PremiumBehind, PremiumRow

_AT = frozenset({Behind.CLOSED, Behind.SETTLED})
_PARTS = {Behind.ROLLING, Behind.ASKED}
_SCORES = frozenset({Behind.ASKED, Behind.ANSWERED, Behind.DISSATISFIED})
_NO_VALUE = frozenset({Behind.CLOSED, Behind.ROLLING})


def claims_sheet(rows: Iterable[BehindClaim], behind: Behind, zone: ZoneInfo) -> TableSheet:
    """The claims behind a figure."""
    columns = [
        Column(_("Claim no.")),
        Column(_("Plate"), width=12),
        Column(_("Branch"), width=22),
        Column(_("State now")),
        Column(_("Reported"), "datetime"),
    ]
    if behind in _AT:
        columns.append(Column(_("Closed"), "datetime"))
    if behind is Behind.SETTLED:
        columns.append(Column(_("Days"), "int"))
    if behind in _PARTS:
        columns.append(Column(_("Closed then") if behind is Behind.ROLLING else _("Asked")))
    if behind not in _NO_VALUE:
        columns.append(Column(label(behind, "behind_value"), "int" if behind in _SCORES else "money"))
    title = behind_title(behind)
    cells = (_claim_cells(row, behind) for row in rows)
    return TableSheet(name=title, title=title, columns=columns, rows=cells, zone=zone)


def _claim_cells(row: BehindClaim, behind: Behind) -> list[Value]:
    claim = row.claim
    return [
        claim.number,
        claim.plate,
        branch_name(row.branch),
        label(claim.state, "claim_state"),
        claim.reported_at,
        *([row.at] if behind in _AT else []),
        *([row.days] if behind is Behind.SETTLED else []),
        *([label(row.is_part, "yes_no")] if behind in _PARTS else []),
        *([row.value] if behind not in _NO_VALUE else []),
    ]


def premium_sheet(rows: Iterable[PremiumRow], behind: PremiumBehind, zone: ZoneInfo) -> TableSheet:
    """The policies and endorsements behind written or earned premium."""
    is_earned = behind is PremiumBehind.EARNED
    columns = [Column(_("Policy"), width=24), Column(_("Plate"), width=12)]
    if is_earned:
        columns += [Column(_("Covered from"), "date"), Column(_("Covered until"), "date")]
    else:
        columns += [Column(_("Act")), Column(_("Endorsement"), width=22), Column(_("At"), "datetime")]
    columns.append(Column(_("Premium"), "money"))
    title = behind_title(behind)
    cells = (_premium_cells(row, is_earned) for row in rows)
    return TableSheet(name=title, title=title, columns=columns, rows=cells, zone=zone)


def _premium_cells(row: PremiumRow, is_earned: bool) -> list[Value]:
    if is_earned:
        return [row.number, row.plate, row.from_on, row.to_on, row.fen]
    act = label(row.kind, "endorsement_kind") if row.kind else _("Issue")
    return [row.number, row.plate, act, row.endorsement_number, row.at, row.fen]
