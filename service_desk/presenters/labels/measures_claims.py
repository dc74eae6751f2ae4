"""Words of the measures of claims and service: name, definition, formula."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from service_desk.rules.metrics import MeasureCode as C

Words = tuple[LazyString, LazyString, LazyString]

MEASURES: dict[C, Words] = {
    C.CLAIMS_OPEN_START: (
        _l("Open at start"),
        _l("Claims reported before the period that had not been closed, withdrawn or denied when it began."),
        _l("reported before − closed before + reopened before"),
    ),
    C.CLAIMS_REPORTED: (
        _l("Claims reported"),
        _l("Claims whose report was taken in the period."),
        _l("count of claims by the time of report"),
    ),
    C.CLAIMS_REOPENED: (
        _l("Claims reopened"),
        _l(
            "How often a claim came back into the open book in the period: reopened, or open again "
            "because the bank returned a payment."
        ),
        _l("count of returns into the open book"),
    ),
    C.CLAIMS_CLOSED: (
        _l("Claims closed"),
        _l("How often a claim left the open book in the period. Withdrawn and denied claims are among them."),
        _l("count of departures from the open book"),
    ),
    C.CLAIMS_OPEN_END: (
        _l("Open at end"),
        _l("Claims not closed, withdrawn or denied when the period ended."),
        _l("open at start + reported + reopened − closed"),
    ),
    C.CLAIMS_WITHDRAWN: (
        _l("Claims withdrawn"),
        _l("Claims that were withdrawn in the period."),
        _l("count of withdrawals"),
    ),
    C.CLAIMS_DENIED: (
        _l("Claims denied"),
        _l("Claims that were denied in the period."),
        _l("count of denials"),
    ),
    C.CLAIMS_DISPUTED: (
        _l("Disputed claims"),
        _l("Claims about which the client raised a dispute in the period, each counted once."),
        _l("count of claims by the day of the dispute"),
    ),
    C.LARGE_LOSSES: (
        _l("Large losses"),
        _l("Claims reported in the period whose estimate had reached ¥10,000 at least once by its end."),
        _l("count of claims with highest estimate ≥ ¥10,000"),
    ),
    C.INJURY_CLAIMS: (
        _l("Claims with injury"),
        _l("Claims reported in the period in which somebody was hurt or killed."),
        _l("count of claims with at least one injured person"),
    ),
    C.ESTIMATE_REPORTED: (
        _l("Estimate of reported claims"),
        _l(
            "What the claims reported in the period were estimated at when it ended, with what had been "
            "paid of them."
        ),
        _l("Σ reserve of each claim at the end of the period"),
    ),
    C.PAID_NET: (
        _l("Paid out"),
        _l(
            "Payments made in the period, less those the bank returned in it, whenever the claims were "
            "reported."
        ),
        _l("Σ payments − Σ returned payments"),
    ),
    C.OUTSTANDING: (
        _l("Outstanding amount"),
        _l(
            "For the claims open at the end of the period: what they are estimated at, less what is paid "
            "on them."
        ),
        _l("Σ (estimate − paid) of open claims"),
    ),
    C.OUTSTANDING_LARGE: (
        _l("Outstanding of large losses"),
        _l("What is outstanding for the open claims whose estimate once reached ¥10,000."),
        _l("Σ (estimate − paid) of open claims with highest estimate ≥ ¥10,000"),
    ),
    C.INJURY_SHARE: (
        _l("Injury share of what is outstanding"),
        _l(
            "The part of the outstanding amount that is held for claims in which somebody was hurt. From "
            "25 percent on it is watched."
        ),
        _l("outstanding of claims with injury ÷ outstanding"),
    ),
    C.OPEN_TO_CLOSED_AVERAGE: (
        _l("Open average against closed average"),
        _l(
            "The average outstanding of the open claims against the average paid on the claims closed in "
            "the period. From two times on it is watched, from four times somebody must act."
        ),
        _l("(outstanding ÷ open claims) ÷ (paid ÷ claims closed with payment)"),
    ),
    C.ESTIMATE_DEVIATION: (
        _l("Estimate deviation, case by case"),
        _l(
            "How far the first estimates were off, case by case, on the claims closed in the period with "
            "money paid."
        ),
        _l("Σ |first estimate − paid| ÷ Σ paid"),
    ),
    C.ESTIMATE_DEVIATION_NET: (
        _l("Estimate deviation in all"),
        _l(
            "How far the first estimates were off in all on the claims closed in the period with money "
            "paid: too high and too low cancel out."
        ),
        _l("|Σ first estimate − Σ paid| ÷ Σ paid"),
    ),
    C.RESERVE_OPEN: (
        _l("Reserve at start"),
        _l("What was held for claims and not yet paid when the period began."),
        _l("Σ movements before the period"),
    ),
    C.RESERVE_NEW: (
        _l("New reserve"),
        _l("First estimates of claims set in the period."),
        _l("Σ first reserves"),
    ),
    C.RESERVE_REOPENED: (
        _l("Reserve of reopened claims"),
        _l("What was set aside for the claims reopened in the period."),
        _l("Σ reserves at reopening"),
    ),
    C.RESERVE_INCREASE: (
        _l("Reserve increased"),
        _l("By how much estimates were raised in the period."),
        _l("Σ increases"),
    ),
    C.RESERVE_DECREASE: (
        _l("Reserve decreased"),
        _l("By how much estimates were lowered in the period."),
        _l("Σ decreases"),
    ),
    C.RESERVE_PAID: (
        _l("Paid of the reserve"),
        _l("What was paid in the period, less what the bank returned."),
        _l("Σ payments − Σ returned payments"),
    ),
    C.RESERVE_RELEASED: (
        _l("Released at the end of claims"),
        _l("What was left of the reserve when claims were closed, withdrawn or denied in the period."),
        _l("Σ what was held and not paid at the end of claims"),
    ),
    C.RESERVE_CLOSE: (
        _l("Reserve at end"),
        _l("What is held for claims and not yet paid when the period ends."),
        _l("start + new + reopened + increased − decreased − paid − released"),
    ),
    C.CLOSING_RATE: (
        _l("Closing rate"),
        _l("Of all claims there were to close in the period, how many were closed."),
        _l("closed ÷ (open at start + reported + reopened)"),
    ),
    C.CLOSING_RATE_AMOUNT: (
        _l("Closing rate by amount"),
        _l(
            "Of all claims there were to close in the period, by amount: what was paid on those that are "
            "closed at its end, among that and what the open ones are estimated at."
        ),
        _l("paid on closed claims ÷ (paid on closed claims + estimate of open claims)"),
    ),
    C.ROLLING_CLOSING_RATE: (
        _l("Rolling closing rate"),
        _l(
            "Of the claims registered in the twelve months to the end of the period, how many are "
            "closed. Withdrawn, denied and zero-paid claims are in neither number. A claim is registered "
            "when its first reserve is set."
        ),
        _l("closed of them ÷ registered in 12 months"),
    ),
    C.CLOSING_CYCLE: (
        _l("Closing cycle"),
        _l(
            "Average days from the day of the report to the day of closing, of the claims closed in the "
            "period, and still closed at its end, with money paid. A reopened claim counts from its first "
            "report to its last closing."
        ),
        _l("Σ (day closed − day reported) ÷ claims closed with payment"),
    ),
    C.CLOSING_CYCLE_MEDIAN: (
        _l("Closing cycle, median"),
        _l(
            "Half of the claims closed in the period, and still closed at its end, with money paid took "
            "no longer than this many days from the day of the report to the day of closing."
        ),
        _l("middle value of the days, halfway between the two middle ones"),
    ),
    C.CLOSING_CYCLE_P90: (
        _l("Closing cycle, nine in ten"),
        _l(
            "Nine in ten of the claims closed in the period, and still closed at its end, with money paid "
            "took no longer than this many days from the day of the report to the day of closing."
        ),
        _l("90th percentile of the days, nearest rank"),
    ),
    C.REGISTERED_IN_TIME: (
        _l("Registered in time"),
        _l(
            "Of the claims whose seven days after the report ended in the period, how many had their "
            "first reserve within seven days. Withdrawn claims are left out."
        ),
        _l("registered within 7 days ÷ (reported − withdrawn)"),
    ),
    C.OPEN_OVER_30_DAYS: (
        _l("Open for more than 30 days"),
        _l(
            "Of the claims open at the end of the period, how many were reported more than 30 days "
            "before. From half on it is watched."
        ),
        _l("open for more than 30 days ÷ open at end"),
    ),
    C.PROMISES_KEPT: (
        _l("Promises kept in time"),
        _l(
            "Of the promises whose clock was judged in the period, how many were kept. A kept one counts "
            "when it is done, a broken one when it was due."
        ),
        _l("kept ÷ (kept + broken)"),
    ),
    C.SURVEYED_IN_TIME: (
        _l("Surveys in time"),
        _l(
            "Of the promises to arrive at the scene whose clock was judged in the period, how many were "
            "kept. A kept one counts when the surveyor arrived, a broken one when it was due."
        ),
        _l("arrived in time ÷ (in time + late)"),
    ),
    C.FIRST_SCENE: (
        _l("First-scene rate"),
        _l(
            "Of the first surveys of the period that could be made at the scene, how many were. Each claim "
            "counts with the first survey it ever had. Claims reported more than 48 hours after the loss and "
            "broken glass alone are left out."
        ),
        _l("surveyed at the first scene ÷ claims needing a survey"),
    ),
    C.BREACHES: (
        _l("Number of breaches"),
        _l("Promises whose due time passed in the period without being kept, done late or not yet done."),
        _l("count of clocks by due time"),
    ),
    C.BREACHES_UNREVIEWED: (
        _l("Breaches not reviewed"),
        _l("Promises broken before the end of the period for which no review had been signed by then."),
        _l("broken − reviewed"),
    ),
    C.CLOCKS_AT_RISK: (
        _l("At risk"),
        _l(
            "Clocks past their warning point and not yet due at the moment the figure is made, whatever "
            "the period."
        ),
        _l("count of running clocks, warning ≤ now ≤ due"),
    ),
    C.CLOCKS_LATE: (
        _l("Late and still open"),
        _l("Clocks past their due time and not yet done at the end of the period."),
        _l("count of broken clocks that had not stopped"),
    ),
    C.FOLLOWED_UP: (
        _l("Follow-up rate"),
        _l(
            "Of the claims that ended in the period, had not come back by its end and are to be asked after, "
            "how many had been. Withdrawn claims are asked after only when they were withdrawn after the "
            "survey. The target is all of them."
        ),
        _l("followed up ÷ ended"),
    ),
    C.FOLLOW_UP_SCORE: (
        _l("Satisfaction score"),
        _l(
            "The average of the overall scores, from 1 to 5, that clients gave when they were asked after "
            "the claims that ended in the period."
        ),
        _l("Σ overall score ÷ followed up"),
    ),
    C.DISSATISFIED: (
        _l("Dissatisfied share"),
        _l("Of the claims followed up, how many had a score below 3 or a wish to be called back."),
        _l("dissatisfied ÷ followed up"),
    ),
}

LABELS = {
    "measure": {code.value: name for code, (name, _definition, _formula) in MEASURES.items()},
    "measure_definition": {code.value: text for code, (_name, text, _formula) in MEASURES.items()},
    "measure_formula": {code.value: text for code, (_name, _definition, text) in MEASURES.items()},
}
