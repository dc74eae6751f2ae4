"""An account's branches and contact people as sheets."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.accounts import Branch, Contact
from service_desk.presenters.exports import Getter, personal, table
from service_desk.presenters.languages import branch_name
from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import Personal, Whose

# As each language calls itself.
_LANGUAGES = {"zh": "中文", "en": "English"}


def branches_sheet(
    rows: Iterable[Branch],
    known: Mapping[int, Branch],
    aliases: Mapping[int, Sequence[str]],
    now: datetime,
) -> TableSheet:
    """The branch tree, each branch after the one above it. `known`: those the reader sees, by id."""

    def above(row: Branch) -> str:
        parent = known.get(row.parent_id or 0)
        return branch_name(parent) if parent else ""

    fields: list[tuple[Column, Getter[Branch]]] = [
        (Column(_("Branch"), width=24), branch_name),
        (Column(_("Parent branch"), width=24), above),
        (Column(_("County or district"), width=18), lambda row: row.district),
        (Column(_("Survey promise")), lambda row: _("30 min") if row.is_urban else _("60 min")),
        (Column(_("Other names in lists"), width=40), lambda row: ", ".join(aliases.get(row.id, ()))),
        (Column(_("State")), lambda row: _("in use") if row.is_active else _("not in use")),
    ]
    return table(_("Branches"), fields, rows, now)


def contacts_sheet(
    rows: Iterable[Contact], known: Mapping[int, Branch], reader: Role, now: datetime
) -> TableSheet:
    """The client's people to turn to."""

    def own(value: str, what: Personal) -> str:
        return personal(value, reader, what, Whose.STAFF)

    def of(row: Contact) -> str:
        branch = known.get(row.branch_id or 0)
        return branch_name(branch) if branch else _("the group's departments")

    def gets(row: Contact) -> str:
        wanted = (
            (row.gets_reports, _("Reports")),
            (row.gets_renewals, _("Renewal reminders")),
            (row.gets_large_losses, _("Large losses")),
        )
        return ", ".join(words for is_wanted, words in wanted if is_wanted)

    fields: list[tuple[Column, Getter[Contact]]] = [
        (Column(_("Name")), lambda row: own(row.name, Personal.NAME)),
        (Column(_("Position"), width=24), lambda row: row.position),
        (Column(_("Branch"), width=24), of),
        (Column(_("Phone"), width=16), lambda row: own(row.phone, Personal.PHONE)),
        (Column(_("Mail address"), width=28), lambda row: own(row.email, Personal.MAIL)),
        (Column(_("Language")), lambda row: _LANGUAGES.get(row.language, row.language)),
        (Column(_("Gets by mail"), width=32), gets),
    ]
    return table(_("Contact people"), fields, rows, now)
