"""Refusals of a calculation."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "contract_limit_missing": _l("Enter the limit of the contract: the cover found does not say it."),
    "driver_name_missing": _l("Enter who has to pay it back: what CTPL pays for this driver is recovered."),
    "driver_is_fit": _l(
        "Rescue cost is advanced only for a driver who is not covered. Choose which, or enter the cost as medical."
    ),
    "payer_not_possible": _l(
        "This agreement does not reach so far. Each insurer its own: both sides liable, nobody hurt, property within the CTPL limit. In our place: our side without fault."
    ),
    "theft_and_damage": _l(
        "This does not go with “Repair of our vehicle”, “Total loss”, “Towing and rescue” or “Glass alone”: theft already pays the whole vehicle. If it was found again damaged, enter the damage and not the theft."
    ),
    "glass_is_own_damage": _l("Under the clauses of 2020 glass is own damage: enter it with our vehicle."),
}
