"""The sentence for every refusal code, in the reader's language. One module per word adds its own."""

import pkgutil
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Any

from flask_babel import LazyString

from service_desk.base.errors import DomainError
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.languages import LANGUAGE_NAMES, in_language
from service_desk.rules.claim_flow import ClaimAction


def _all_sentences() -> dict[str, LazyString]:
    sentences: dict[str, LazyString] = {}
    for module in pkgutil.iter_modules(__path__):
        own: Mapping[str, LazyString] = import_module(f"{__name__}.{module.name}").MESSAGES
        repeated = own.keys() & sentences.keys()
        if repeated:
            raise RuntimeError(f"refusal codes defined twice: {sorted(repeated)}")
        sentences |= own
    return sentences


SENTENCES = _all_sentences()


def sentence(error: DomainError) -> str:
    """The refusal in words. Parameters fill the sentence's `%(name)s`."""
    return str(SENTENCES[error.code]) % {name: _shown(value) for name, value in error.params.items()}


def in_all_languages(error: DomainError) -> str:
    """The refusal in every language, a line each: for terminals, whose readers nobody knows."""
    lines = []
    for language in LANGUAGE_NAMES:
        with in_language(language):
            lines.append(f"  {sentence(error)}")
    return "\n".join(lines)


def sentence_for(code: str, params: Mapping[str, Any]) -> str:
    """The same for a refusal that was stored as code and parameters (import rows, batch results)."""
    return str(SENTENCES[code]) % {name: _shown(value) for name, value in params.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return times.minute(value)
    if isinstance(value, ClaimAction):
        return label(value, "claim_action")
    if isinstance(value, Mapping):
        # Matters by their kind, the only figures a refusal names more than one of.
        return " · ".join(f"{label(kind, 'matter_kind')} {count}" for kind, count in value.items())
    return "—" if value is None or value == "" else value
