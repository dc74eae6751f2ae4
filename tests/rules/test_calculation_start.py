"""Where a calculation starts: an assessment's items, put where they are paid."""

from service_desk.rules.calculation_start import PartyLoss, start_of


def item(kind: str, fen: int, party: int | None = None) -> dict[str, object]:
    return {"label": "…", "kind": kind, "amount_fen": fen, "party_id": party}


def test_what_belongs_to_one_party_adds_up_and_what_belongs_to_nobody_is_one_loss() -> None:
    start = start_of(
        [
            item("injury", 15_000_00, 1),
            item("death", 98_000_00, 1),
            item("third_party_vehicle", 6_000_00),
            item("property", 500_00),
        ]
    )
    assert start.victims == [
        PartyLoss(1, medical_fen=15_000_00, death_fen=98_000_00),
        PartyLoss(None, property_fen=6_500_00),
    ]


def test_own_vehicle_rescue_and_passengers_stand_apart() -> None:
    start = start_of(
        [
            {"label": "…", "kind": "own_vehicle", "amount_fen": 20_000_00},
            item("rescue", 600_00),
            item("passenger_injury", 700_00, 7),
            item("passenger_death", 100_00, 7),
        ]
    )
    assert (start.own_damage_fen, start.rescue_fee_fen) == (20_000_00, 600_00)
    assert start.passengers == {7: 800_00}
    assert start.victims == []
