"""First contacts of a random history: logged, asked about again, closed and reopened; and their slow count."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from tests.reconciliation.records import Branch, Closing, Contact, Repeat, Rows
from tests.reconciliation.span import Days, Groups, Sums, by_key, sums
from tests.reconciliation.walks import report_times

_WAYS = ("call", "visit", "message", "mail", "claim_report")
_KINDS = ("question", "question", "request", "opinion", "complaint")


def make_contacts(
    chance: Random,
    branches: Sequence[Branch],
    holders: Sequence[int],
    number: int,
    span: tuple[datetime, datetime],
) -> Rows:
    """So many contacts of the branches, every ninth of no branch."""
    contacts: list[Contact] = []
    repeats: list[Repeat] = []
    closings: list[Closing] = []
    first, now = span
    for one, at in enumerate(report_times(chance, number, first, now), 1):
        branch, owner = chance.choice(branches), chance.choice(holders)
        ways, kind = chance.choice(_WAYS), chance.choice(_KINDS)
        state, closed_at, is_clean, moment = "open", None, chance.random() < 0.8, at
        while chance.random() < 0.7:
            moment += timedelta(seconds=int(chance.expovariate(1 / 150_000)) + 1)
            if moment > now:
                break
            if state == "open" and chance.random() < 0.7:
                state, closed_at = "closed", moment
                closings.append(Closing(len(closings) + 1, one, moment, owner, is_clean, None))
            else:
                repeats.append(Repeat(len(repeats) + 1, one, moment, "call", owner, None))
                if state == "closed":
                    closings[-1] = closings[-1]._replace(reopened_at=moment)
                state, closed_at, is_clean = "open", None, False
        branch_id = None if one % 9 == 0 else branch.id
        contacts.append(
            Contact(
                one,
                f"ENQ-{one}",
                branch.account_id,
                branch_id,
                ways,
                kind,
                state,
                owner,
                owner,
                owner,
                at,
                closed_at,
            )
        )
    return {"enquiries": contacts, "enquiry_repeats": repeats, "enquiry_closings": closings}


def count_contacts(rows: Rows, account_id: int, days: Days) -> Groups[Sums]:
    """By branch; what came with an accident report is no contact of its own."""
    repeats, closings = (
        by_key(rows["enquiry_repeats"], "enquiry_id"),
        by_key(rows["enquiry_closings"], "enquiry_id"),
    )
    found = sums()
    for one in rows["enquiries"]:
        if one.account_id != account_id or one.channel == "claim_report":
            continue
        to = found.at(one.branch_id, None)
        if days.has(one.opened_at):
            to.more("logged")
            to.more("complaints", one.kind == "complaint")
            to.more("repeated", any(again.at < days.until for again in repeats.get(one.id, [])))
        for end in closings.get(one.id, []):
            if days.has(end.at) and not (end.reopened_at and end.reopened_at < days.until):
                to.more("closed")
                to.more("at_first", end.is_first_contact)
    return found
