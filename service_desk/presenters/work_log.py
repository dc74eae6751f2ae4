"""The work log in words: standings against targets, and the log as a sheet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.relations import WorkTarget
from service_desk.models.users import User
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.sla_absences import person as named_person
from service_desk.services.relations.targets import Standing
from service_desk.services.relations.work import WorkRow


@dataclass(frozen=True)
class PersonStanding:
    """One person's month, kind by kind."""

    user: User
    kinds: Sequence[Standing]


def by_person(found: Iterable[Standing]) -> list[PersonStanding]:
    """The standings of each person together."""
    return [
        PersonStanding(rows[0].user, rows)
        for _user_id, group in groupby(found, key=lambda one: one.user.id)
        for rows in [list(group)]
    ]


def tone(one: Standing) -> str:
    """Green when a target is reached; nothing without one or on the way."""
    return "ok" if one.wanted is not None and one.done >= one.wanted else ""


def of_target(one: Standing) -> str:
    """`6 / 8`, or the number alone."""
    return f"{one.done} / {one.wanted}" if one.wanted is not None else str(one.done)


def whose(target: WorkTarget, user: User | None) -> str:
    """A person, or a role."""
    return named_person(user) if user else label(target.role, "role")


def work_sheet(rows: Iterable[WorkRow], now: datetime) -> TableSheet:
    """The log as filtered."""
    fields: list[tuple[Column, Getter[WorkRow]]] = [
        (Column(_("When"), "datetime"), lambda row: row.at),
        (Column(_("Person")), lambda row: person(row.user)),
        (Column(_("Kind")), lambda row: label(row.kind, "work_kind")),
        (Column(_("Branch"), width=22), lambda row: branch_name(row.branch) if row.branch else None),
        (Column(_("Person met"), width=20), lambda row: row.met),
        (Column(_("What it was about"), width=40), lambda row: row.note),
        (Column(_("Minutes taken"), "int"), lambda row: row.minutes),
        (Column(_("Comes from")), lambda row: label(row.source, "work_source")),
        (Column(_("Number")), lambda row: row.number),
    ]
    return table(_("Work log"), fields, rows, now)
