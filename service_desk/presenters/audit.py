"""Entries of the audit trail in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from service_desk.base.money import format_yuan
from service_desk.models.audit import AuditEntry
from service_desk.models.users import User
from service_desk.presenters.labels import LABELS, label
from service_desk.presenters.languages import LANGUAGE_NAMES
from service_desk.presenters.sla_calendars import hours_written
from service_desk.presenters.sla_levels import addressee
from service_desk.presenters.times import duration, moment
from service_desk.rules.notice_subjects import subject_of
from service_desk.rules.sla.addressees import addressee_from


@dataclass(frozen=True)
class ShownEntry:
    """One line of the trail. `changes` are `(field, before, after)` in words, `fields` the fields as stored."""

    at: datetime
    who: str
    what: str
    entity: str
    changes: list[tuple[str, str, str]]
    ip: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """What the changes name by id or code: people, and causes in the reader's language."""

    people: Mapping[int, User]
    causes: Mapping[str, str]


# Which words the codes in a field have; a table is named where the field's name is not enough.
_CODES = {
    "absences.kind": "absence_kind",
    "agreed_items.state": "item_state",
    "articles.state": "article_state",
    "channel": "enquiry_channel",
    "claims.confirmed": "pay_doubt",
    "claims.kind": "letter_title",
    "claims.state": "claim_state",
    "disputes.consequence": "dispute_consequence",
    "disputes.outcome": "dispute_outcome",
    "enquiries.kind": "contact_kind",
    "enquiries.means": "word_means",
    "duty_shifts.kind": "duty_kind",
    "duty_swaps.state": "swap_state",
    "enquiries.state": "enquiry_state",
    "fault": "fault",
    "handovers.state": "handover_state",
    "layers": "cover",
    "line": "policy_line",
    "method": "receipt_method",
    "message_channels.audience": "channel_audience",
    "message_channels.kind": "hook_kind",
    "message_channels.subjects": "notice_subject",
    "mailboxes.security": "mail_security",
    "received_mails.outcome": "mail_outcome",
    "received_mails.reason": "mail_reason",
    "missed_cover_cases.state": "case_state",
    "notices.fail_reason": "fail_reason",
    "notices.state": "notice_state",
    "opinion_campaigns.state": "campaign_state",
    "opinions.reply_means": "reply_means",
    "opinions.state": "opinion_state",
    "opinions.theme": "opinion_theme",
    "outstanding_lists.state": "outstanding_state",
    "pause_reason": "pause_reason",
    "policies.kind": "endorsement_kind",
    "photo_group": "photo_group",
    "policies.state": "policy_state",
    "recoveries.state": "recovery_state",
    "relation_cadences.period": "cadence_period",
    "relation_events.answer": "invite_answer",
    "relation_events.kind": "event_kind",
    "relation_events.state": "event_state",
    "recoveries.write_off_reason": "write_off_reason",
    "renewal_outcomes.outcome": "renewal_outcome",
    "report_schedules.channel": "report_channel",
    "report_schedules.weekday": "report_weekday",
    "role": "role",
    "severity": "severity",
    "step": "clock_step",
    "target_unit": "target_unit",
    "timers.state": "timer_state",
    "use_class": "use_class",
    "vehicle_requests.state": "onboarding_state",
    "vehicles.state": "vehicle_state",
    "work_entries.kind": "work_kind",
}
_REPORTS = frozenset({"report_runs", "report_schedules"})
_PEOPLE = frozenset(
    {
        "answered_by_id",
        "corrected_by_id",
        "correction_owner_id",
        "covered_id",
        "decided_by_id",
        "decider_id",
        "ended_by_id",
        "holder_id",
        "organiser_id",
        "owner_id",
        "replied_by_id",
        "requested_by_id",
        "responsible_id",
        "substitute_id",
        "to_id",
        "user_id",
    }
)


def people_ids(entries: Iterable[AuditEntry]) -> set[int]:
    """The people whom the changes of these entries name by id."""
    return {
        user_id
        for entry in entries
        for name, pair in entry.changes.items()
        for value in pair
        for user_id in _ids_in(name, value)
    }


def _ids_in(name: str, value: Any) -> list[int]:
    if name in _PEOPLE and isinstance(value, int):
        return [value]
    if name == "escalate_to" and value:
        named = [addressee_from(code).user_id for code in value]
        return [user_id for user_id in named if user_id is not None]
    return []


def shown_entry(entry: AuditEntry, who: User | None, names: Names, now: datetime) -> ShownEntry:
    """An entry as the page shows it; a job's act is the scheduler's."""

    def shown(name: str, value: Any) -> str:
        return _value(entry.entity_kind, name, value, names, now)

    return ShownEntry(
        at=entry.at,
        who=_person(who) if who else _("Scheduler"),
        what=label(entry.action, "audit_action"),
        entity=_entity(entry),
        changes=[
            (_field(name), shown(name, before), shown(name, after))
            for name, (before, after) in entry.changes.items()
        ],
        ip=entry.ip,
        fields=tuple(entry.changes),
    )


def _person(user: User) -> str:
    return f"{user.name} · {user.staff_no}"


def _entity(entry: AuditEntry) -> str:
    """The record's own name; a clock's step, a report's kind and what a message is about are said in words."""
    words = entry.entity_label or f"{entry.entity_kind} {entry.entity_id}"
    if entry.entity_kind == "notices" and entry.entity_label:
        kind = words.removeprefix("report_")
        return label(kind, "report_kind") if kind in LABELS["report_kind"] else _subject(words)
    if entry.entity_kind in _REPORTS:
        kind, _blank, rest = words.partition(" ")
        title = label(kind, "report_kind") if kind in LABELS["report_kind"] else kind
        return " · ".join(part for part in (title, rest) if part)
    number, _blank, step = words.rpartition(" ")
    if step not in LABELS["clock_step"]:
        return words
    return " · ".join(part for part in (number, label(step, "clock_step")) if part)


def _subject(notice_kind: str) -> str:
    return label(subject_of(notice_kind), "notice_subject")


def _field(name: str) -> str:
    for kind in ("audit_field", "document_code"):
        if name in LABELS[kind]:
            return label(name, kind)
    return name


def _value(table: str, name: str, value: Any, names: Names, now: datetime) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return label(str(value), "yes_no")
    if table == "working_calendars" and isinstance(value, dict | list):
        return hours_written(value)
    if name == "escalate_to":
        return _(", ").join(addressee(addressee_from(code), names.people) for code in value)
    if isinstance(value, list):
        return _(", ").join(_value(table, name, one, names, now) for one in value) or "—"
    if name in _PEOPLE and value in names.people:
        return _person(names.people[value])
    if name in ("cause", "language"):
        return (names.causes if name == "cause" else LANGUAGE_NAMES).get(value, value)
    if name.endswith("_fen"):
        return format_yuan(value, sign=True)
    if name.endswith("_seconds"):
        return duration(value)
    if name.endswith("_at"):
        return moment(datetime.fromisoformat(value), now)
    kind = _CODES.get(f"{table}.{name}") or _CODES.get(name)
    if kind and str(value) in LABELS[kind]:
        return label(value, kind)
    return str(value)
