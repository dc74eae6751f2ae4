"""The sample files of the contract, read from disk, checked by the rules and by the command."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.cli.fleet import cli
from service_desk.rules.fleet_list import BranchNames, check, to_json

DATA = Path(__file__).parents[1] / "data"
SETS = ("fleet_lists", "fleet_lists_2")
EXPECTED: list[tuple[Path, dict[str, Any]]] = [
    (DATA / folder / name, entry)
    for folder in SETS
    for name, entry in json.loads((DATA / folder / "expected.json").read_text(encoding="utf-8")).items()
]


def branches_of(path: Path) -> list[BranchNames]:
    entries = json.loads((path.parent / "branches.json").read_text(encoding="utf-8"))
    return [BranchNames(entry["name"], tuple(entry["aliases"])) for entry in entries]


def by_place(refused: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(refused, key=lambda entry: (entry["sheet"] or "", entry["row"]))


@pytest.mark.parametrize(("path", "expected"), EXPECTED, ids=lambda value: getattr(value, "name", ""))
def test_a_sample_file_gives_what_the_contract_says(path: Path, expected: dict[str, Any]) -> None:
    result = to_json(check(read_workbook(path.read_bytes()), branches_of(path)))

    rows = result.pop("rows")
    wanted = {**expected, "rejected": by_place(expected["rejected"])}
    samples = wanted.pop("samples")
    assert result == wanted
    assert len(rows) == expected["accepted"]
    for sample in samples:
        assert sample in [{key: row[key] for key in sample} for row in rows]


def run(*arguments: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    return outcome.exit_code, outcome.stdout


def test_the_command_prints_the_result_as_json() -> None:
    path = DATA / "fleet_lists" / "02-gbk.csv"

    code, out = run("check", path, "--branches", path.parent / "branches.json")

    result = json.loads(out)
    assert code == 0
    assert (result["accepted"], len(result["rows"]), result["file_error"]) == (115, 115, None)
    assert "上街客运分公司" in out


def test_the_command_ends_with_1_when_the_file_cannot_be_read() -> None:
    path = DATA / "fleet_lists" / "07-photo.xlsx"

    code, out = run("check", path, "--branches", path.parent / "branches.json")

    assert code == 1
    assert json.loads(out)["file_error"] == "file_unreadable"


def test_the_command_refuses_a_wrong_list_of_branches(tmp_path: Path) -> None:
    wrong = tmp_path / "branches.json"
    wrong.write_text('{"a": 1}')

    code, _ = run("check", DATA / "fleet_lists" / "02-gbk.csv", "--branches", wrong)

    assert code == 2
