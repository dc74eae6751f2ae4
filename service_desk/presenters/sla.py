"""Clocks in words: the pill that looks the same everywhere, the promise, and the ledger explained."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from service_desk.base.clock import CHINA
from service_desk.base.text import within_a_line
from service_desk.models.sla import ServiceLevel, Timer, TimerState, WorkingCalendarRow
from service_desk.models.users import User
from service_desk.presenters import times
from service_desk.presenters.labels import LABELS, label
from service_desk.presenters.languages import named
from service_desk.rules.metrics import Ratio
from service_desk.rules.sla import PAUSE_RULES, PauseReason, PauseRule, TargetUnit
from service_desk.services import sla
from service_desk.services.sla.calendars import counts_on_provisional, names_of
from service_desk.services.sla.files import TimerFile
from service_desk.services.sla.similar import Similar

# A deadline by law is a day; only close to it do hours help.
SHOW_HOURS_WITHIN = timedelta(hours=24)
_MANY = datetime.max.replace(tzinfo=CHINA)


@dataclass(frozen=True)
class Pill:
    """A clock as the `clock` macro takes it: tone ok|warn|bad|idle, icon clock|over|paused|met."""

    tone: str
    icon: str
    text: str
    title: str | None


def pill(timer: Timer, now: datetime, *, named: bool = True, holder: User | None = None) -> Pill:
    """A clock at one glance. `named`: the step stands in it; leave it out where the step stands beside."""
    tone, icon, text = _face(timer, now, named)
    if timer.state is TimerState.CANCELLED:
        return Pill(tone, icon, text, None)
    return Pill(tone, icon, text, _left_words(timer) if icon == "paused" else _title(timer, holder))


def state_words(timer: Timer, now: datetime) -> str:
    """What the pill says where the step stands beside."""
    return _face(timer, now, named=False)[2]


def _face(timer: Timer, now: datetime, named: bool) -> tuple[str, str, str]:
    """A pill's tone, icon and text."""
    if timer.state is TimerState.MET:
        return "ok", "met", _("took %(time)s", time=length(timer.used_seconds, timer))
    if timer.state is TimerState.CANCELLED:
        return "idle", "paused", _("cancelled")
    if timer.state is TimerState.BREACHED or timer.breached_at or (timer.due_at and now > timer.due_at):
        return "bad", "over", over_words(timer, now)
    if timer.state is TimerState.PAUSED:
        return "idle", "paused", _paused_words(timer, now)
    is_close = timer.warn_at is not None and timer.warn_at <= now
    return "warn" if is_close else "ok", "clock", _running_words(timer, now, named)


def nearest(timers: Iterable[Timer]) -> Timer | None:
    """The open clock to look at first: the longest overdue or soonest due, standing ones last; None without one."""
    running = [timer for timer in timers if timer.state in sla.OPEN_STATES]
    return min(running, key=lambda timer: (timer.due_at or _MANY, timer.id), default=None)


def over_words(timer: Timer, now: datetime) -> str:
    """`over by 35 min`; a breach in closed hours has no working time after its due time."""
    over = sla.seconds_over(timer, now)
    return _("over by %(time)s", time=length(over, timer)) if over else _("late")


def length(seconds: int, timer: Timer) -> str:
    """A length of the timer's clock: working time in hours, for a working day has not 24 of them."""
    if timer.target_unit is TargetUnit.CALENDAR_DAYS or timer.calendar_code == "24x7":
        return times.duration(seconds)
    return working_time(seconds)


def working_time(seconds: int) -> str:
    """`22 h 30 min`, `2449 h`: hours are not made into days; of many, the minutes say nothing."""
    hours, rest = divmod(abs(seconds), 3600)
    if hours < 24:
        return times.duration(seconds)
    minutes = rest // 60
    if minutes and hours < 100:
        return _("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
    return _("%(hours)s h", hours=hours)


def promise(value: int, unit: TargetUnit | str) -> str:
    """What is promised: `30 minutes`, `3 working days`, `the same day`."""
    if value == 0:
        return _("the same day")
    match TargetUnit(unit):
        case TargetUnit.MINUTES:
            return ngettext("%(num)s minute", "%(num)s minutes", value)
        case TargetUnit.HOURS:
            return ngettext("%(num)s working hour", "%(num)s working hours", value)
        case TargetUnit.WORKING_DAYS:
            return ngettext("%(num)s working day", "%(num)s working days", value)
        case TargetUnit.CALENDAR_DAYS:
            return ngettext("%(num)s calendar day", "%(num)s calendar days", value)


def calendar_name(code: str, calendars: Iterable[WorkingCalendarRow] = ()) -> str:
    """A calendar's name in the reader's language; the usual words for the calendars every desk has."""
    found = next((calendar for calendar in calendars if calendar.code == code), None)
    if found is not None:
        return found.name if _reads_chinese() else found.name_en or found.name
    usual = LABELS["calendar"].get(code)
    return str(usual) if usual is not None else named(*names_of(code))


def source_words(source: str) -> str:
    """Where a promise comes from: a known source in words, else as it was typed."""
    return str(LABELS["level_source"].get(source, source)) if source else "—"


def day_words(name: str) -> str:
    """What a calendar day is: a statutory day in words, else as it was typed."""
    return str(LABELS["statutory_day"].get(name, name)) if name else "—"


def hours_words(hours: Iterable[Iterable[str]]) -> str:
    """`08:30-12:00, 13:30-17:30`; empty for a closed day."""
    return ", ".join("-".join(pair) for pair in hours)


def conditions(level: ServiceLevel, accounts: dict[int, str]) -> str:
    """For which matters a level holds, in words; empty for all."""
    words = []
    if level.account_id is not None:
        words.append(accounts.get(level.account_id, str(level.account_id)))
    if level.severity is not None:
        words.append(label(level.severity, "severity").lower())
    if level.is_urban is not None:
        words.append(_("city or county town") if level.is_urban else _("elsewhere"))
    words.extend(_band(level.amount_from_fen, level.amount_to_fen))
    return _(", ").join(words)


def level_words(level: ServiceLevel, accounts: dict[int, str]) -> str:
    """A level by its step and conditions, as a refusal names it."""
    where = conditions(level, accounts)
    step = label(level.step, "clock_step")
    return f"{step} · {where}" if where else step


def since_line(level: ServiceLevel) -> str:
    """What is promised now and since when."""
    return _(
        "%(promise)s since %(day)s",
        promise=promise(level.target_value, level.target_unit),
        day=level.effective_on.isoformat(),
    )


def unreviewed(timer: Timer, now: datetime) -> str:
    """How long a breach has waited for its review."""
    waited = now - timer.breached_at if timer.breached_at else timedelta()
    return _("not reviewed for %(time)s", time=times.duration(waited.total_seconds()))


def percent(ratio: Ratio) -> str:
    """`93.4%`; a dash when there is nothing to measure."""
    share = ratio.percent()
    return "—" if share is None else f"{share}%"


def is_by_day(terms: Timer | ServiceLevel) -> bool:
    """Whether the promise is a term of calendar days, due at 24:00 of its last day."""
    return terms.target_unit is TargetUnit.CALENDAR_DAYS


def due_moment(timer: Timer, now: datetime) -> str:
    """When it falls due; a term of days at 24:00 of its last day."""
    return times.moment(timer.due_at, now, ends_day=is_by_day(timer))


def promise_line(file: TimerFile, now: datetime) -> list[str]:
    """The sub line of a breach: the promise, when it began, when it fell due, when it was kept at last."""
    timer = file.timer
    words = [_promised(file), _("from %(at)s", at=times.moment(timer.started_at, now))]
    stood = sum(part.working_seconds for part in file.facts.segments if part.reason)
    if timer.due_at and stood:
        due = due_moment(timer, now)
        words.append(_("due %(at)s after %(time)s of pause", at=due, time=length(stood, timer)))
    elif timer.due_at:
        words.append(_("due %(at)s", at=due_moment(timer, now)))
    if timer.stopped_at:
        words.append(_("done %(at)s", at=times.moment(timer.stopped_at, now)))
    else:
        words.append(_("still open"))
    return words


def _promised(file: TimerFile) -> str:
    timer = file.timer
    words = {
        "promise": promise(timer.target_value, timer.target_unit),
        "calendar": calendar_name(timer.calendar_code),
        "version": file.calendar.number,
    }
    if timer.target_unit is TargetUnit.WORKING_DAYS and file.target_seconds is not None:
        hours = working_time(file.target_seconds)
        return _("%(promise)s promised (%(hours)s of %(calendar)s v%(version)s)", hours=hours, **words)
    return _("%(promise)s promised (%(calendar)s v%(version)s)", **words)


def similar_rows(similar: Similar, timer: Timer) -> list[tuple[str, str]]:
    """What happened in similar cases, as labels and values."""
    step = label(timer.step, "clock_step")
    rows = [
        (_("%(step)s in time", step=step), percent(similar.kept)),
        (_("Median time"), _length_or_dash(similar.median_seconds, timer)),
        (_("P90"), _length_or_dash(similar.p90_seconds, timer)),
        (_("Late after a hand-over"), str(similar.late_after_handover)),
    ]
    if similar.longer_value is not None:
        longer = promise(similar.longer_value, timer.target_unit)
        rows.append((_("In time with %(promise)s", promise=longer), percent(similar.kept_if_longer)))
    return rows


def _length_or_dash(seconds: int | None, timer: Timer) -> str:
    return "—" if seconds is None else length(seconds, timer)


def pause_choices() -> list[tuple[str, str]]:
    """The reasons a clock may pause for, each with its limit and whether it needs evidence."""
    return [(reason.value, _pause_choice(reason, rule)) for reason, rule in PAUSE_RULES.items()]


def _pause_choice(reason: PauseReason, rule: PauseRule) -> str:
    words = [
        label(reason, "pause_reason"),
        ngettext("at most %(num)s day", "at most %(num)s days", rule.max_days),
    ]
    if rule.needs_evidence:
        words.append(_("with evidence"))
    return " · ".join(words)


def scope_words(level: ServiceLevel, levels: Iterable[ServiceLevel], accounts: dict[int, str]) -> str:
    """For which matters a level holds among its step's levels: the one without conditions takes the rest."""
    where = conditions(level, accounts)
    if where:
        return where
    others = any(other.step is level.step and conditions(other, accounts) for other in levels)
    return _("everything else") if others else _("every case")


def day_of(due_at: datetime) -> str:
    """The day a deadline by law falls on: one due at 24:00 belongs to the day that ends."""
    return f"{(due_at - timedelta(seconds=1)).astimezone(CHINA):%m-%d}"


def _running_words(timer: Timer, now: datetime, named: bool) -> str:
    step = within_a_line(label(timer.step, "clock_step"))
    by_day = timer.target_unit is TargetUnit.CALENDAR_DAYS and timer.due_at
    if by_day and timer.due_at and timer.due_at - now > SHOW_HOURS_WITHIN:
        day = day_of(timer.due_at)
        return _("%(step)s · by %(day)s", step=step, day=day) if named else _("by %(day)s", day=day)
    left = length(sla.seconds_left(timer, now), timer)
    return _("%(step)s · %(time)s left", step=step, time=left) if named else _("%(time)s left", time=left)


def _paused_words(timer: Timer, now: datetime) -> str:
    since = times.duration((now - timer.paused_at).total_seconds()) if timer.paused_at else ""
    return _("paused: %(reason)s, %(time)s", reason=label(timer.pause_reason, "pause_short"), time=since)


def _left_words(timer: Timer) -> str:
    return _("%(time)s left when it runs again", time=length(timer.left_seconds or 0, timer))


def _title(timer: Timer, holder: User | None) -> str | None:
    if timer.due_at is None:
        return None
    words = [_("Due %(due)s", due=times.full_moment(timer.due_at)), calendar_name(timer.calendar_code)]
    if counts_on_provisional(timer):
        words.append(provisional_words())
    if holder is not None:
        words.append(f"{holder.name} · {holder.staff_no}")
    return " · ".join(words)


def caveat(timer: Timer) -> str:
    """What is to be said beside an open clock's due time; nothing where its days are announced."""
    return provisional_words() if timer.state in sla.OPEN_STATES and counts_on_provisional(timer) else ""


def provisional_words() -> str:
    """Why a due time may still move, beside every due time that reaches a year not yet announced."""
    return _("provisional: the holidays of that year are not announced yet")


def _band(from_fen: int | None, to_fen: int | None) -> list[str]:
    if from_fen is not None and to_fen is not None:
        return [_("over ¥%(low)s up to ¥%(high)s", low=_yuan(from_fen), high=_yuan(to_fen))]
    if to_fen is not None:
        return [_("up to ¥%(high)s", high=_yuan(to_fen))]
    return [_("over ¥%(low)s", low=_yuan(from_fen))] if from_fen is not None else []


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}" if fen % 100 == 0 else f"{fen / 100:,.2f}"


def _reads_chinese() -> bool:
    return str(get_locale()).startswith("zh")
