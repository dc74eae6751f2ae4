"""Whoever changes what is paid of a claim tells the reserve ledger."""

import re
from pathlib import Path

CLAIMS = Path(__file__).resolve().parents[2] / "service_desk" / "services" / "claims"
CHANGES_PAID = re.compile(r"claim\.paid_fen(?: = claim| [+-]= |, )|, claim\.paid_fen = ")


def test_every_module_that_changes_what_is_paid_records_it() -> None:
    changing = {path.name: path.read_text() for path in CLAIMS.glob("*.py")}
    changing = {name: text for name, text in changing.items() if CHANGES_PAID.search(text)}

    assert changing, "nobody pays any more: the pattern has lost its sense"
    for name, text in changing.items():
        changes = len(re.findall(r"claim\.paid_fen [+-]= |, claim\.paid_fen = ", text))
        assert text.count("record_paid(") >= changes, f"{name}: call reserves.record_paid after it"
