"""Cover at the time of loss in plain words, while the report is taken and after."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from service_desk.base.money import format_yuan
from service_desk.presenters.labels import label
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import CoverAt, Limit


@dataclass(frozen=True)
class CoverLine:
    """One line of cover: `tone` ok (ours), idle (elsewhere), bad (missing though required)."""

    tone: str
    icon: str
    words: str


def cover_lines(covers: Sequence[CoverAt], required: Collection[PolicyLine]) -> list[CoverLine]:
    """What covers the vehicle at that time, and which required cover is missing."""
    found: list[CoverLine] = []
    for line in PolicyLine:
        held = [_found(cover) for cover in covers if cover.line is line]
        found += held or ([_missing(line)] if line in required else [])
    return found


def _found(cover: CoverAt) -> CoverLine:
    if cover.source is not None:
        words = _(
            "%(line)s: with another insurer until %(day)s, as your list says",
            line=label(cover.line, "policy_line"),
            day=last_covered_day(cover.ends_at).isoformat(),
        )
        return CoverLine("idle", "info", words)
    parts = [_limit(limit) for limit in cover.limits] or [label(cover.line, "policy_line")]
    return CoverLine("ok", "check", " · ".join(parts))


def _limit(limit: Limit) -> str:
    name = label(limit.code, "cover")
    if limit.per_seat_fen is not None:
        return _("%(cover)s %(amount)s a seat", cover=name, amount=_yuan(limit.per_seat_fen))
    if limit.limit_fen is not None:
        return f"{name} {_yuan(limit.limit_fen)}"
    return name


def _yuan(fen: int) -> str:
    """Whole yuan without decimals: limits are round, and a phone's line is short."""
    return format_yuan(fen, sign=True).removesuffix(".00")


def _missing(line: PolicyLine) -> CoverLine:
    return CoverLine("bad", "over", _("%(line)s: none of ours at that time", line=label(line, "policy_line")))


def lacks_ctpl(covers: Sequence[CoverAt]) -> bool:
    """Whether no compulsory cover of ours holds, which must be said plainly."""
    return not any(cover.line is PolicyLine.CTPL and cover.source is None for cover in covers)
