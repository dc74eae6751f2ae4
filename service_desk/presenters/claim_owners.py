"""The chain of a claim's owners in words."""

from flask_babel import gettext as _

from service_desk.models.claims import ClaimEvent
from service_desk.models.enquiries import Handover, HandoverState
from service_desk.presenters.enquiries import ChainEntry, offer_entry, person
from service_desk.services.claims.files import ClaimFile
from service_desk.services.claims.owners import Owners

_GIVEN = frozenset({"dispatch", "assign"})


def chain(file: ClaimFile, owners: Owners, *, for_client: bool) -> list[ChainEntry]:
    """Who was asked first, whom it was given to, and every offer, newest first."""
    entries = [
        *_first(file),
        *(_given(event, file, for_client) for event in file.events if event.kind in _GIVEN),
    ]
    entries += [
        _offered(offer, owners, for_client)
        for offer in owners.offers
        if not for_client or offer.state is HandoverState.ACCEPTED
    ]
    return sorted(entries, key=lambda entry: entry.at)[::-1]


def _first(file: ClaimFile) -> list[ChainEntry]:
    if file.first_contact is None:
        return []
    first = file.people.get(file.first_contact.first_owner_id) or file.owner
    title = _("First contact: %(name)s", name=first.name)
    return [ChainEntry(file.first_contact.opened_at, title, person(first.name, first.staff_no), "", "ok")]


def _given(event: ClaimEvent, file: ClaimFile, for_client: bool) -> ChainEntry:
    name, staff_no = event.params["name"], event.params["staff_no"]
    title = (
        _("Dispatched to %(name)s", name=name)
        if event.kind == "dispatch"
        else _("Given to %(name)s", name=name)
    )
    actor = file.people.get(event.actor_id) if event.actor_id else None
    by = _("by %(name)s", name=person(actor.name, actor.staff_no)) if actor else person(name, staff_no)
    return ChainEntry(event.at, title, by, "" if for_client else event.note, "ok")


def _offered(offer: Handover, owners: Owners, for_client: bool) -> ChainEntry:
    entry = offer_entry(offer, owners.people)
    return ChainEntry(entry.at, entry.title, entry.who, "" if for_client else entry.detail, entry.tone)
