"""The quarterly review and the annual service record, each table counted anew."""

from collections import Counter, defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from tests.reconciliation.claim_reports import STEPS
from tests.reconciliation.comparing import Checker, months_back
from tests.reconciliation.lists import Lists
from tests.reconciliation.other_promises import Calendars, check_trials
from tests.reconciliation.slow_claims import LARGE_FEN
from tests.reconciliation.slow_clocks import Judged
from tests.reconciliation.slow_measures import Counted, Reader

_TOPICS = ("amount", "fault", "cover", "documents", "loss_of_use", "time_taken", "other")
_PROPOSALS = [
    "strengthen_step",
    "remove_cause",
    "finish_corrections",
    "review_breaches",
    "tighten_promise",
    "review_calculation",
    "improve_speed",
    "improve_attitude",
    "explain_result",
    "call_back",
    "insure_vehicles",
    "renew_earlier",
    "prevent_losses",
    "train_drivers",
    "settle_premium",
]
_THEMES = ("overall", "speed", "attitude", "result", "call_back")


def check_quarter(checker: Checker) -> None:
    """The quarter beside the one before and the same of the year before, and what the meeting goes through."""
    first = checker.report.period_from
    quarters = [_quarter(checker, back) for back in (0, 3, 12)]
    names = ("this_quarter", "quarter_before", "year_before")
    readers = {name: one.whole() for name, one in zip(names, quarters, strict=True)}
    checker.check_tiles()
    for code in ("results", "service", "cover", "receivables"):
        checker.check_measured(code, readers)
    checker.check_measured("by_branch", checker.branch_readers())
    keeps = {
        "gaps_by_branch": lambda reader: reader[C.COVERAGE_DAYS].part < reader[C.COVERAGE_DAYS].whole,
        "receivables_by_branch": lambda reader: reader[C.PREMIUM_OUTSTANDING],
    }
    for code, keep in keeps.items():
        checker.check_measured(code, checker.branch_readers(), keep=keep)
    assert first == quarters[0].days.first
    _check_steps(checker, quarters, with_open=True)
    lists = Lists(checker)
    causes = Counter(cause for one in lists.broken() if (cause := lists.cause(one, as_known=False)))
    checker.check_rows(
        "causes", list(causes.items()), (None, causes.total()) if causes else None, ordered=False
    )
    checker.check_rows("breaches", [_breach(lists, one) for one in lists.broken()][:5_000])
    late = _check_corrections(checker, lists)
    decided, in_favour = _check_disputes(checker, lists)
    check_large(checker, lists)
    bad = _check_answers(checker, lists)
    _check_proposals(checker, readers, causes, late, (decided, in_favour), bad)


def _quarter(checker: Checker, months: int) -> Counted:
    first, _last = months_back(checker.report.period_from, months)
    return checker.counts.over(first, months_back(first, -2)[1])


def _check_steps(checker: Checker, spans: list[Counted], *, with_open: bool) -> None:
    sums = [one.whole().sums("clocks") for one in spans]
    shown = {getattr(row[0], "value", row[0]) for row in checker.report.table("by_step").rows}
    judged = {step for step in STEPS for own in sums if own[f"kept_{step}"] or own[f"broken_{step}"]}
    checker.to.check(f"{checker.report.kind}, by_step, steps left out", judged - shown, set())

    def kept(own: Any, step: str) -> Ratio:
        return Ratio(own[f"kept_{step}"], own[f"kept_{step}"] + own[f"broken_{step}"])

    rows: list[tuple[Any, ...]] = []
    for step in STEPS:
        if step in shown:
            tail = (sums[0][f"waiting_{step}"],) if with_open else ()
            rows.append((step, *(kept(own, step) for own in sums), sums[0][f"broken_{step}"], *tail))
    waiting = sum(sums[0][f"waiting_{step}"] for step in STEPS)
    total = (
        None,
        *(Ratio(own["kept"], own["kept"] + own["broken"]) for own in sums),
        sums[0]["broken"],
        *((waiting,) if with_open else ()),
    )
    checker.check_rows("by_step", rows, total if rows else None)


def _breach(lists: Lists, one: Judged) -> tuple[Any, ...]:
    clock, review = one.clock, one.review
    over = clock.over_seconds if clock.stopped_at else None
    head = (clock.matter_number, lists.names.get(clock.branch_id or 0), str(clock.step), ...)
    tail = (..., ..., review.corrected_at if review else None)
    return (*head, one.broken_at, clock.stopped_at, over, lists.cause(one, as_known=False), *tail)


def _check_corrections(checker: Checker, lists: Lists) -> int:
    """What is still to be done of reviews of all that was broken until the end, as known now."""
    days, today = lists.days, lists.days.day_of(lists.days.now)
    found = [
        one
        for one in lists.counts.clocks
        if one.clock.breached_at
        and one.clock.breached_at < days.until
        and one.review
        and one.review.correction_owner_id
        and not one.review.corrected_at
    ]
    found.sort(key=lambda one: (one.review and one.review.correction_due_on, one.clock.id))
    rows, late = [], 0
    for one in found:
        assert one.review is not None
        assert one.review.correction_due_on is not None
        is_late = one.review.correction_due_on < today
        late += is_late
        branch = lists.names.get(one.clock.branch_id or 0)
        head = (one.clock.matter_number, branch, str(one.clock.step), ..., ...)
        rows.append((*head, one.review.correction_due_on, str(is_late)))
    checker.check_rows("open_corrections", rows[:5_000])
    return late


def _check_disputes(checker: Checker, lists: Lists) -> tuple[int, int]:
    days, rows = lists.days, []
    topics: dict[str, Counter[str]] = defaultdict(Counter)
    numbers = {one.claim.id: one.claim for one in lists.counts.stories}
    own = [one for story in lists.counts.stories for one in story.disputes if one.raised_at < days.until]
    for one in sorted(own, key=lambda one: (one.raised_at, one.id)):
        if one.decided_at and one.decided_at < days.start:
            continue
        outcome = str(one.outcome) if one.decided_at and one.decided_at < days.until else None
        counts = topics[str(one.topic)]
        counts["raised"] += one.raised_at >= days.start
        counts["decided" if outcome else "open"] += 1
        counts[outcome or "-"] += 1
        claim = numbers[one.claim_id]
        rows.append(
            (
                one.number,
                claim.number,
                lists.names[claim.branch_id],
                str(one.topic),
                one.raised_at,
                one.claimed_fen,
                one.decided_at if outcome else None,
                outcome,
                one.awarded_fen if outcome else None,
            )
        )
    checker.check_rows("disputes", rows[:5_000])
    table = [(topic, *_disputed(topics[topic])) for topic in _TOPICS if topic in topics]
    whole = sum(topics.values(), Counter())
    checker.check_rows("disputes_by_topic", table, (None, *_disputed(whole)) if table else None)
    return whole["decided"], whole["client_right"] + whole["partly"]


def _disputed(own: Counter[str]) -> tuple[int, ...]:
    in_favour, elsewhere = own["client_right"] + own["partly"], own["mediation"] + own["court"]
    return (
        own["raised"],
        own["decided"],
        in_favour,
        own["not_right"],
        own["withdrawn"],
        elsewhere,
        own["open"],
    )


def check_large(checker: Checker, lists: Lists) -> None:
    """The large losses reported in the period, the largest first."""
    until, found = lists.days.until, []
    for story in lists.known:
        claim = story.claim
        if claim.reported_at >= lists.days.start and story.highest_at(until) >= LARGE_FEN:
            estimate = story.estimate_at(until)
            head = (claim.number, claim.plate, lists.names[claim.branch_id], claim.loss_at, claim.place)
            found.append(
                (-estimate, claim.id, (*head, story.state_at(until), estimate, story.paid_at(until)))
            )
    rows = [row for *_order, row in sorted(found, key=lambda one: one[:2])]
    checker.check_rows("large_losses", rows[:5_000])


def _check_answers(checker: Checker, lists: Lists) -> dict[str, int]:
    own = [
        (one, story.claim)
        for story in lists.counts.stories
        for one in story.answers
        if lists.days.has(one.at)
    ]
    own.sort(key=lambda pair: (pair[0].at, pair[0].id))
    bad, rows = {}, []
    for theme in _THEMES:
        name = "score" if theme == "overall" else theme
        if theme == "call_back":
            shares = Ratio(sum(bool(one.wants_call_back) for one, _claim in own), len(own))
        else:
            scores = [score for one, _claim in own if (score := getattr(one, name)) is not None]
            shares = Ratio(sum(score < 3 for score in scores), len(scores))
        bad[theme] = shares.part
        rows.append((theme, shares))
    checker.check_rows("answers_by_theme", rows)
    listed = [
        (
            claim.number,
            lists.names[claim.branch_id],
            one.at,
            one.score,
            one.speed,
            one.attitude,
            one.result,
            str(one.wants_call_back),
            ...,
        )
        for one, claim in own
        if one.is_dissatisfied
    ]
    checker.check_rows("bad_answers", listed[:5_000])
    return bad


def _percent(ratio: Ratio, places: str = "0.01") -> Decimal | None:
    if ratio.whole <= 0:
        return None
    return (Decimal(100 * ratio.part) / ratio.whole).quantize(Decimal(places), ROUND_HALF_UP)


def _check_proposals(
    checker: Checker,
    readers: dict[str, Reader],
    causes: Counter[str],
    late: int,
    disputes: tuple[int, int],
    bad: dict[str, int],
) -> None:
    """Each proposal with the figure it rests on: a share, a count or an amount."""
    now, (decided, in_favour) = readers["this_quarter"], disputes
    codes = {one.name: one.code for one in checker.counts.rows["breach_causes"]}
    rows: list[tuple[Any, ...]] = _of_steps(now)
    for cause, count in sorted(causes.items(), key=lambda one: (-one[1], codes.get(one[0], one[0]))):
        is_ours = codes.get(cause) != "force_majeure"
        rows += [("remove_cause", None, cause, None, count, None)] if count >= 3 and is_ours else []
    unreviewed, overdue = now[C.BREACHES_UNREVIEWED], now[C.PREMIUM_OVERDUE]
    rows += [("finish_corrections", None, None, None, late, None)] if late else []
    rows += [("review_breaches", None, None, None, unreviewed, None)] if unreviewed else []
    if in_favour >= 2:
        rows.append(("review_calculation", None, None, Ratio(in_favour, decided), None, None))
    rows += _of_answers(now, bad)
    rows += _of_cover(now, readers["year_before"])
    rows += [("settle_premium", None, None, None, None, overdue)] if overdue > 0 else []
    checker.check_rows("meeting_proposals", sorted(rows, key=lambda row: _PROPOSALS.index(row[0])))


def _of_steps(now: Reader) -> list[tuple[Any, ...]]:
    clocks, rows = now.sums("clocks"), []
    for step in STEPS:
        kept = Ratio(clocks[f"kept_{step}"], clocks[f"kept_{step}"] + clocks[f"broken_{step}"])
        share = _percent(kept)
        if share is not None and kept.whole >= 5 and share < 95:
            rows.append(("strengthen_step", step, None, kept, None, None))
        elif share is not None and kept.whole >= 20 and share >= 99:
            rows.append(("tighten_promise", step, None, kept, None, None))
    return rows


def _of_answers(now: Reader, bad: dict[str, int]) -> list[tuple[Any, ...]]:
    unhappy = _percent(now[C.DISSATISFIED])
    asked = {"speed": "improve_speed", "attitude": "improve_attitude", "result": "explain_result"}
    found = [
        (code, None, None, None, bad[theme], None)
        for theme, code in asked.items()
        if unhappy is not None and unhappy > 10 and bad[theme] >= 2
    ]
    return [*found, *([("call_back", None, None, None, bad["call_back"], None)] if bad["call_back"] else [])]


def _of_cover(now: Reader, year_before: Reader) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    if now[C.UNINSURED_VEHICLES]:
        rows.append(("insure_vehicles", None, None, now[C.COVERAGE], now[C.UNINSURED_VEHICLES], None))
    renewed, loss = _percent(now[C.RENEWAL_RATE]), _percent(now[C.EARNED_LOSS_RATIO])
    if renewed is not None and renewed < 95:
        rows.append(("renew_earlier", None, None, now[C.RENEWAL_RATE], None, None))
    if loss is not None and loss > 75:
        rows.append(("prevent_losses", None, None, now[C.EARNED_LOSS_RATIO], None, None))
    then, since = (_percent(one[C.CLAIM_FREQUENCY], "0.0001") for one in (year_before, now))
    if then and since is not None and since * 100 > then * 120:
        rows.append(("train_drivers", None, None, now[C.CLAIM_FREQUENCY], None, None))
    return rows


def check_year(checker: Checker, calendars: Calendars) -> None:
    """The year beside those before it that are known, and its promises judged by stricter ones."""
    year = checker.report.period_from.year
    years = [checker.counts.over(date(year - back, 1, 1), date(year - back, 12, 31)) for back in range(3)]
    signs = (C.CLAIMS_REPORTED, C.CLAIMS_CLOSED, C.WRITTEN_PREMIUM, C.EARNED_PREMIUM)
    known = max([1, *(n for n in (2, 3) if any(years[n - 1].whole()[code] for code in signs))])
    readers = {str(one.days.first.year): one.whole() for one in years[:known]}
    checker.check_tiles()
    for code in ("service", "results", "cover"):
        checker.check_measured(code, readers)
    checker.check_measured("by_branch", checker.branch_readers())
    _check_steps(checker, years[:known], with_open=False)
    check_large(checker, Lists(checker))
    check_trials(checker, calendars)
