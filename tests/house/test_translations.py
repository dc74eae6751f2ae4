"""Every sentence of the desk is translated, once, with the same placeholders, and nothing else is."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
CATALOGS = ROOT / "service_desk" / "translations" / "zh_Hans_CN"
KEYWORDS = {
    "_": None,
    "_l": None,
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")

Msgid = str | tuple[str, ...]


@pytest.fixture(scope="module")
def sources() -> dict[Msgid, str]:
    """Each sentence in code and templates, with one place where it stands."""
    return dict(_extract("service_desk", "python") + _extract("templates", "jinja2"))


@pytest.fixture(scope="module")
def translations() -> dict[Msgid, dict[str, Message]]:
    """Each translated sentence with its entry in every file that has it."""
    found: dict[Msgid, dict[str, Message]] = defaultdict(dict)
    for path in sorted(CATALOGS.glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="zh_Hans_CN", abort_invalid=True):
                if message.id:
                    found[_key(message.id)][path.name] = message
    return found


def test_every_sentence_has_a_translation(sources, translations) -> None:
    missing = [
        f"{place}: {msgid!r}"
        for msgid, place in sources.items()
        if not _is_translated(translations.get(msgid))
    ]
    assert not missing, "\n".join(["without a translation:", *sorted(missing)])


def test_every_translation_is_of_a_sentence_in_use(sources, translations) -> None:
    unused = [
        f"{file}: {msgid!r}"
        for msgid, files in translations.items()
        if msgid not in sources
        for file in files
    ]
    assert not unused, "\n".join(["translated but nowhere used:", *sorted(unused)])


def test_a_sentence_reads_the_same_in_every_file(translations) -> None:
    differing = [
        f"{msgid!r}: { ({file: message.string for file, message in files.items()}) }"
        for msgid, files in translations.items()
        if len({_strings(message) for message in files.values()}) > 1
    ]
    assert not differing, "\n".join(["translated in two ways:", *differing])


def test_translations_have_the_placeholders_of_their_sentence(translations) -> None:
    wrong = [
        f"{file}: {msgid!r} -> {message.string!r}"
        for msgid, files in translations.items()
        for file, message in files.items()
        if any(_placeholders(text) != _placeholders(_as_tuple(msgid)[-1]) for text in _strings(message))
    ]
    assert not wrong, "\n".join(["other placeholders than the sentence:", *wrong])


def test_no_sentence_is_put_together_before_it_is_translated() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sorted((ROOT / "service_desk").rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and _is_composed(call)
    ]
    assert not wrong, "\n".join(["an f-string or a sum inside gettext is never extracted:", *wrong])


def _extract(folder: str, method: str) -> list[tuple[Msgid, str]]:
    options = {"**": {"silent": "false", "encoding": "utf-8"}} if method == "jinja2" else {}
    pattern = "**.py" if method == "python" else "**"
    found = extract_from_dir(
        ROOT / folder,
        method_map=[(pattern, method)],
        options_map=options,
        keywords=KEYWORDS,
        strip_comment_tags=True,
    )
    return [(_key(msgid), f"{folder}/{file}:{line}") for file, line, msgid, _, _ in found if msgid]


def _key(msgid: Msgid) -> Msgid:
    return tuple(msgid) if isinstance(msgid, list | tuple) else msgid


def _as_tuple(text: Msgid) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _strings(message: Message) -> tuple[str, ...]:
    return _as_tuple(message.string)


def _is_translated(files: dict[str, Message] | None) -> bool:
    return bool(files) and all(all(_strings(message)) and not message.fuzzy for message in files.values())


def _placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text)) - {"%%"}


def _is_composed(call: ast.Call) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    return name in KEYWORDS and any(_composes(argument) for argument in call.args[:2])


def _composes(argument: ast.expr) -> bool:
    return isinstance(argument, ast.JoinedStr | ast.BinOp)
