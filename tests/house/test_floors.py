"""The rule of imports holds: no arrow up, none sideways, no framework in the ground and the rules."""

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports


def test_every_import_contract_is_kept(capsys) -> None:
    status = lint_imports(no_cache=True)

    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out
