"""Every refusal has its sentence, and every kind of mail its templates, whoever adds one."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from service_desk.presenters.messages import SENTENCES

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "service_desk"
MAILS = ROOT / "templates" / "emails"
PARTS = ("subject.txt", "body.txt", "body.html")

REFUSALS = {"NotFound", "Forbidden", "Invalid", "Conflict"}
# Which argument is the kind of mail. Kinds that are not written out there are found where they are.
KIND_ARGUMENT = {"queue": 0, "_queue": 0, "tell_client": 1}


def test_every_refusal_code_has_a_sentence() -> None:
    missing = [f"{place}: {code}" for code, place in refusal_codes() if code not in SENTENCES]

    assert not missing, "\n".join(["no sentence in presenters/messages for:", *sorted(missing)])


def test_every_mail_kind_has_its_three_templates() -> None:
    missing = [
        f"{place}: emails/{kind}/{part}"
        for kind, place in mail_kinds()
        for part in PARTS
        if not (MAILS / kind / part).is_file()
    ]

    assert not missing, "\n".join(["mails without a template:", *sorted(missing)])


@pytest.mark.parametrize(
    "folder", sorted(path for path in MAILS.iterdir() if path.is_dir()), ids=lambda it: it.name
)
def test_every_mail_has_all_its_parts_and_stands_on_the_shared_sheet(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(PARTS)
    assert sheet_of(folder / "body.html") == "emails/base.html"


def sheet_of(template: Path) -> str:
    """The template that a body stands on in the end: kinds that are alike share one in between."""
    name = ""
    while found := re.match(r'{% extends "([^"]+)" %}', template.read_text("utf-8")):
        name = found[1]
        template = ROOT / "templates" / name
    return name


def test_the_search_finds_codes_and_kinds() -> None:
    assert "stale" in {code for code, _ in refusal_codes()}
    assert {"large_loss", "documents_wanted"} <= {kind for kind, _ in mail_kinds()}


def refusal_codes() -> Iterator[tuple[str, str]]:
    """Codes written out where a refusal is made, each with its place."""
    for path, tree in modules():
        for call in calls(tree):
            if name_of(call) in REFUSALS and call.args and is_text(call.args[0]):
                yield call.args[0].value, place_of(path, call)


def mail_kinds() -> Iterator[tuple[str, str]]:
    """Kinds written out where a mail is queued, or named there by a constant."""
    constants = text_constants()
    for path, tree in modules():
        for call in calls(tree):
            position = KIND_ARGUMENT.get(name_of(call))
            if position is None or len(call.args) <= position:
                continue
            kind = call.args[position]
            if is_text(kind):
                yield kind.value, place_of(path, call)
            elif isinstance(kind, ast.Name) and kind.id in constants:
                yield constants[kind.id], place_of(path, call)


@cache
def modules() -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text("utf-8"))) for path in sorted(PACKAGE.rglob("*.py"))]


def text_constants() -> dict[str, str]:
    """Module constants such as `KIND = "weekly_claim_report"`, by name."""
    return {
        statement.targets[0].id: statement.value.value
        for _, tree in modules()
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id.endswith("KIND")
        and is_text(statement.value)
    }


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def place_of(path: Path, call: ast.Call) -> str:
    return f"{path.relative_to(ROOT)}:{call.lineno}"
