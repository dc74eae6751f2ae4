"""A calculation in words: what it starts from, its lines, every step, what is to be got back; and versions compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask_babel import gettext as _

from service_desk.base.money import format_yuan
from service_desk.models.claims import ClaimCalculation
from service_desk.presenters.labels import LABELS, label
from service_desk.rules.vocabulary import CoverCode, Fault
from service_desk.services.claims.calculation_versions import Difference
from service_desk.services.claims.stated import CalculationInputs, stated_as_json

# Steps whose words are the same for several covers, so that the cover is told with them.
_COVER_IS_TOLD = frozenset({"ctpl_share", "ctpl_victim", "ctpl_excluded"})
# What nobody stated says nothing.
_EMPTY = stated_as_json(CalculationInputs(Fault.FULL))
_PERCENTS = frozenset(
    {"fault_percent", "tpl_rate_percent", "own_rate_percent", "passenger_deductible_percent"}
)
_CODES = {"fault": "fault", "driver": "calculation_driver", "payer": "calculation_payer"}
_ITEMS = ("property_fen", "medical_fen", "death_fen")
_PEOPLE = frozenset({"victims", "occupants", "passengers"})


class Kept(Protocol):
    """What a calculation's row and a preview have in common."""

    @property
    def inputs(self) -> dict[str, Any]: ...
    @property
    def lines(self) -> list[dict[str, Any]]: ...
    @property
    def working(self) -> list[dict[str, Any]]: ...
    @property
    def recoveries(self) -> list[dict[str, Any]]: ...
    @property
    def total_fen(self) -> int: ...


@dataclass(frozen=True)
class CalculationTable:
    """A calculation as tables: payment lines, every step of the working, and what is to be got back."""

    version: int
    facts: list[tuple[str, str]]
    lines: list[dict[str, str]]
    working: list[dict[str, str]]
    recoveries: list[dict[str, str]]
    total_fen: int


@dataclass(frozen=True)
class ComparedTable:
    """Two versions side by side: what was stated, what is paid, and the difference in words with its tone."""

    inputs: list[tuple[str, str, str]]
    lines: list[tuple[str, str, str, str]]
    words: str
    tone: str


def calculation_table(calculation: ClaimCalculation) -> CalculationTable:
    """A calculation with every step, from what was frozen with it."""
    return kept_table(calculation, calculation.calculation_version)


def kept_table(kept: Kept, version: int) -> CalculationTable:
    """The same of a preview, which would become a version."""
    return CalculationTable(
        version=version,
        facts=_facts(kept.inputs),
        lines=[_shown_line(line) for line in kept.lines],
        working=[_shown_step(step) for step in kept.working],
        recoveries=[_shown_recovery(one) for one in kept.recoveries],
        total_fen=kept.total_fen,
    )


def compared(difference: Difference) -> ComparedTable:
    """What changed between two versions, in words."""
    total = format_yuan(abs(difference.total_fen), sign=True)
    if difference.total_fen > 0:
        words, tone = _("%(sum)s more to pay", sum=total), "warn"
    elif difference.total_fen < 0:
        words, tone = _("%(sum)s less: to get back where it was paid", sum=total), "bad"
    else:
        words, tone = _("The same total"), "ok"
    return ComparedTable(
        inputs=[
            (label(name, "calculation_input"), _value(name, before), _value(name, after))
            for name, before, after in difference.inputs
            if name in LABELS["calculation_input"]
        ],
        lines=[
            (
                label(coverage, "paid_under"),
                format_yuan(before),
                format_yuan(after),
                f"{'+' if after > before else ''}{format_yuan(after - before)}",
            )
            for coverage, before, after in difference.lines
        ],
        words=words,
        tone=tone,
    )


def _facts(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was stated and found, in the order of the labels; what is as usual is left out."""
    shown = [
        (str(words), _value(name, inputs.get(name)))
        for name, words in LABELS["calculation_input"].items()
        if name != "covers" and _says_something(name, inputs)
    ]
    if _own_damage_uninsured(inputs):
        shown.append((_("Own damage"), _("not insured at the time of loss, so not paid")))
    return shown


def _says_something(name: str, inputs: Mapping[str, Any]) -> bool:
    if name in {"loss_on", "ctpl_limits_from", "clause", "fault"}:
        return True
    return name in inputs and inputs[name] != _EMPTY.get(name)


def _value(name: str, value: Any) -> str:
    if value in (None, "", []):
        return "—"
    if name == "clause":
        return _("model clause of %(year)s", year=value)
    if name in _CODES:
        return label(value, _CODES[name])
    if name.endswith("_fen"):
        return format_yuan(value, sign=True)
    if name in _PERCENTS:
        return f"{value}%"
    if isinstance(value, bool):
        return label(str(value), "yes_no")
    if name in _PEOPLE:
        return _("; ").join(_person(one) for one in value)
    if name == "vehicles":
        return _("; ").join(
            f"{one['label']} {label(one['standing'], 'calculation_standing')}" for one in value
        )
    if name == "covers":
        return _("; ").join(_cover(one) for one in value)
    return str(value)


def _person(person: Mapping[str, Any]) -> str:
    """A person's losses, a victim's by item; amounts that are nought are left out."""
    by_item = [
        f"{label(name, 'calculation_input')} {format_yuan(person[name])}"
        for name in _ITEMS
        if person.get(name)
    ]
    on_board = [format_yuan(person[name]) for name in ("loss_fen", "ctpl_fen") if person.get(name)]
    return " ".join([person["label"] or "—", *by_item, " − ".join(on_board)]).rstrip()


def _cover(cover: Mapping[str, Any]) -> str:
    limit = cover["limit_fen"]
    return label(cover["code"], "cover") + (f" {format_yuan(limit)}" if limit else "")


def _own_damage_uninsured(inputs: Mapping[str, Any]) -> bool:
    codes = {cover["code"] for cover in inputs["covers"]}
    return bool(inputs["own_damage_fen"]) and CoverCode.OWN_DAMAGE.value not in codes


def _shown_line(line: Mapping[str, Any]) -> dict[str, str]:
    percent, amount = line["deductible_percent"], line["deductible_fen"]
    deductible = [f"{percent}%"] if percent != "0" else []
    deductible += [format_yuan(amount)] if amount else []
    joined = " / " if line["coverage"] == "carrier_liability" else " + "
    return {
        "coverage": label(line["coverage"], "paid_under"),
        "parts": _parts(line.get("parts", ())),
        "loss": format_yuan(line["loss_fen"]),
        "ctpl_limit": _or_blank(line["ctpl_limit_fen"]),
        "fault_ratio": "" if line["fault_percent"] is None else f"{line['fault_percent']}%",
        "limit": _or_blank(line["limit_fen"]),
        "deductible": joined.join(deductible),
        "pay": format_yuan(line["pay_fen"]),
    }


def _parts(parts: Sequence[Mapping[str, Any]]) -> str:
    """Who gets what of a line that several share."""
    return " · ".join(
        f"{one['label'] or '—'} {format_yuan(one['pay_fen'])}" for one in parts if one["pay_fen"]
    )


def _or_blank(fen: int | None) -> str:
    return "" if fen is None else format_yuan(fen)


def _shown_step(step: Mapping[str, Any]) -> dict[str, str]:
    key, about = step["label_key"], step.get("about", "")
    name = label(key, "working_step")
    if key == "ctpl_item":
        name = label(step["coverage"], "paid_under")
    elif key in _COVER_IS_TOLD and step["coverage"]:
        name = _("%(cover)s: %(step)s", cover=label(step["coverage"], "paid_under"), step=name)
    if key == "ctpl_payer":
        about = label(about, "calculation_payer")
    return {
        "step": f"{name} · {about}" if about else name,
        "formula": step["formula"],
        "amount": format_yuan(step["amount_fen"]),
        "clause": label(step["clause"], "working_clause"),
    }


def _shown_recovery(recovery: Mapping[str, Any]) -> dict[str, str]:
    return {
        "kind": label(recovery["kind"], "calculation_recovery"),
        "from": recovery["from"] or "—",
        "amount": format_yuan(recovery["amount_fen"]),
    }
