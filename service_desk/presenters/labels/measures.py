"""Words of measures: name, definition and formula of those of premium and results, and the words all share.

Those of claims and service are in `measures_claims`.
"""

from flask_babel import lazy_gettext as _l

from service_desk.presenters.labels.measures_claims import Words
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import MeasureGroup, MeasureSource, Unit

MEASURES: dict[C, Words] = {
    C.POLICIES_ISSUED: (
        _l("Number of policies issued"),
        _l("Policies issued in the period, each line counted for itself."),
        _l("count of policies by the day of issue"),
    ),
    C.WRITTEN_PREMIUM: (
        _l("Written premium"),
        _l(
            "Premium of the policies issued in the period, with what endorsements and cancellations of "
            "the period added or returned. Vehicle tax is not in it."
        ),
        _l("issued + endorsements + cancellations"),
    ),
    C.ENDORSEMENT_PREMIUM: (
        _l("Premium of endorsements"),
        _l("What endorsements of the period added to premiums, less what they returned."),
        _l("Σ added − Σ returned"),
    ),
    C.RETURNED_PREMIUM: (
        _l("Premium returned by cancellations"),
        _l("What cancellations of the period returned; shown below nought."),
        _l("− Σ returned"),
    ),
    C.EARNED_PREMIUM: (
        _l("Earned premium"),
        _l(
            "The part of all premiums that falls on the days of the period, day by day over each "
            "policy’s term of 365 or 366 days. What an endorsement or cancellation changes for days gone by "
            "counts in the period it is made in."
        ),
        _l("Σ premium × days in the period ÷ days of the term"),
    ),
    C.REPORTED_LOSS: (
        _l("Reported loss"),
        _l(
            "What the claims reported in the period come to at its end: what was paid on those that have "
            "ended, the estimate of the others."
        ),
        _l("Σ paid on ended claims + Σ estimate of open claims"),
    ),
    C.EARNED_LOSS_RATIO: (
        _l("Earned loss ratio"),
        _l("Reported loss against the premium earned in the same period."),
        _l("reported loss ÷ earned premium"),
    ),
    C.SIMPLE_LOSS_RATIO: (
        _l("Simple loss ratio"),
        _l("Reported loss against the premium written in the same period."),
        _l("(paid + outstanding) ÷ written premium"),
    ),
    C.CLAIM_FREQUENCY: (
        _l("Claim frequency"),
        _l(
            "Claims reported in the period for every vehicle-year of cover in it. A vehicle with several "
            "policies counts once a day, by the policy that began first."
        ),
        _l("claims reported ÷ vehicle-years of cover"),
    ),
    C.AVERAGE_LOSS: (
        _l("Average loss"),
        _l("Reported loss for each claim reported in the period."),
        _l("reported loss ÷ claims reported"),
    ),
    C.OPERATING_VEHICLES: (
        _l("Vehicles on the road"),
        _l("Vehicles in operation on the last day of the period. Suspended and retired ones are left out."),
        _l("count of operating vehicles"),
    ),
    C.COVERAGE: (
        _l("Coverage ratio"),
        _l(
            "Of the vehicles on the road on the last day of the period, how many had every required "
            "layer of cover in force."
        ),
        _l("fully covered vehicles ÷ vehicles on the road"),
    ),
    C.COVERAGE_DAYS: (
        _l("Coverage ratio over the period"),
        _l(
            "Of the days on which vehicles were on the road in the period, how many had every required "
            "layer of cover in force, in vehicle-days."
        ),
        _l("fully covered vehicle-days ÷ vehicle-days on the road"),
    ),
    C.UNINSURED_VEHICLES: (
        _l("Vehicles without full cover"),
        _l("Vehicles on the road on the last day of the period that lacked at least one required layer."),
        _l("vehicles on the road − fully covered vehicles"),
    ),
    C.RENEWAL_DUE: (
        _l("Renewals due"),
        _l("Vehicles whose cover ended in the period, each VIN counted once."),
        _l("count of distinct VINs with cover ending"),
    ),
    C.RENEWAL_RATE: (
        _l("Renewal rate"),
        _l(
            "Of the vehicles due in the period, how many were renewed. Those not yet expired are to "
            "renew, not lost."
        ),
        _l("renewed ÷ due"),
    ),
    C.PREMIUM_RECEIVED: (
        _l("Premium collected"),
        _l("Premium and vehicle tax received from the client in the period."),
        _l("Σ receipts"),
    ),
    C.PREMIUM_OUTSTANDING: (
        _l("Premium outstanding"),
        _l("Premium and vehicle tax owed and not yet received at the end of the period."),
        _l("Σ (owed − received)"),
    ),
    C.PREMIUM_OVERDUE: (
        _l("Premium overdue"),
        _l(
            "Premium and vehicle tax not received at the end of the period whose due day had passed. The "
            "due day itself is not overdue."
        ),
        _l("Σ (owed − received) with due day before the last day"),
    ),
}

LABELS = {
    "measure": {code.value: name for code, (name, _definition, _formula) in MEASURES.items()},
    "measure_definition": {code.value: text for code, (_name, text, _formula) in MEASURES.items()},
    "measure_formula": {code.value: text for code, (_name, _definition, text) in MEASURES.items()},
    "measure_unit": {
        Unit.COUNT.value: _l("Count"),
        Unit.FEN.value: _l("Yuan"),
        Unit.RATIO.value: _l("Percentage"),
        Unit.MEAN.value: _l("Average"),
        "mean_days": _l("Average in days"),
        Unit.MEAN_FEN.value: _l("Average in yuan"),
        Unit.DAYS.value: _l("Number of days"),
    },
    "measure_group": {
        MeasureGroup.CLAIMS_FLOW.value: _l("How claims come and go"),
        MeasureGroup.CLAIMS_MONEY.value: _l("Money of claims"),
        MeasureGroup.RESERVES.value: _l("Reserves rolled forward"),
        MeasureGroup.SPEED.value: _l("Speed of settlement"),
        MeasureGroup.SERVICE.value: _l("Promises of service"),
        MeasureGroup.FOLLOW_UP.value: _l("Follow-up"),
        MeasureGroup.ENQUIRIES.value: _l("First contacts"),
        MeasureGroup.PREMIUM.value: _l("Premium written and earned"),
        MeasureGroup.RESULTS.value: _l("Results"),
        MeasureGroup.COVER.value: _l("Cover and renewal"),
        MeasureGroup.RECEIVABLES.value: _l("Receivables"),
    },
    "measure_source": {
        MeasureSource.PUBLISHED.value: _l("Published definition"),
        MeasureSource.ASSOCIATION.value: _l("Insurance association's quarterly figures"),
        MeasureSource.INSURER_RULES.value: _l("Insurer's published assessment rules"),
        MeasureSource.PRACTICE.value: _l("Common practice"),
        MeasureSource.OURS.value: _l("Defined for this desk"),
    },
}
