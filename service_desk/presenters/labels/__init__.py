"""Words for stored codes: one map a kind, in the reader's language. One module per word adds its own."""

import pkgutil
from enum import Enum
from importlib import import_module
from typing import Any

from flask_babel import LazyString


def _all_labels() -> dict[str, dict[str, LazyString]]:
    labels: dict[str, dict[str, LazyString]] = {}
    for module in pkgutil.iter_modules(__path__):
        own: dict[str, dict[str, LazyString]] = import_module(f"{__name__}.{module.name}").LABELS
        for kind, words in own.items():
            # A kind may be shared: every word adds its own audit actions.
            labels.setdefault(kind, {}).update(words)
    return labels


LABELS = _all_labels()


def label(value: Any, kind: str) -> str:
    """The words for a code of a kind (`claim_state`, `use_class` …); a dash for None or empty."""
    if value is None or value == "":
        return "—"
    code = value.value if isinstance(value, Enum) else str(value)
    return str(LABELS[kind][code])


def choices(kind: str) -> list[tuple[str, str]]:
    """`(code, words)` of a kind in its own order, for a select field."""
    return [(code, str(words)) for code, words in LABELS[kind].items()]
