"""The demo's account, branches, contact people, logins and fleet."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from sqlalchemy import insert

from service_desk.adapters.passwords import hash_password
from service_desk.demo import cast
from service_desk.models.accounts import Branch, Contact, KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import BranchRecord, PlateRecord, Vehicle, VehicleState, VehicleStateRecord
from service_desk.models.users import User, UserAccount
from service_desk.rules.identifiers import vin_check_digit
from service_desk.rules.permissions import Role
from service_desk.rules.vocabulary import UseClass
from service_desk.services import accounts

PASSWORD = "demo-desk-2026"  # noqa: S105 - shown on the sign-in page of the demo

_MAKER_CODES = {
    UseClass.COACH: "LZYTBGBW",
    UseClass.CITY_BUS: "LZYTAGBW",
    UseClass.GOODS: "LFWSRXSJ",
    UseClass.TAXI_RENTAL: "LFV2A11G",
}
# Where the new-energy plate of a bus or taxi has its letter: large vehicles last, small ones first.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True)
class Group:
    """What later parts of the demo build on."""

    account: KeyAccount
    branches: list[Branch]
    users: dict[str, User]


def build_group(random: Random, now: datetime) -> Group:
    """Write the account with its branches, contacts and logins."""
    account = accounts.add_account(
        accounts.AccountDetails(
            code=cast.ACCOUNT_CODE,
            name=cast.ACCOUNT_NAME,
            name_en=cast.ACCOUNT_NAME_EN,
            uscc=_uscc(cast.ACCOUNT_USCC_BODY),
            credit_limit_fen=None,
            reminder_days=(60, 30, 15, 7),
        ),
        actor=None,
        now=now,
    )
    db.session.flush()
    branches = [_branch(account, *pair, now) for pair in _pairs()]
    _contacts(account, branches, random, now)
    users = {person.username: _user(person, account, branches, now) for person in cast.PEOPLE}
    db.session.flush()
    return Group(account, branches, users)


def _pairs() -> list[tuple[tuple[str, str, str, str, bool], tuple[str, str, UseClass, int]]]:
    return [
        (district, kind)
        for district in cast.DISTRICTS
        for kind in cast.BRANCH_KINDS
        if (district[2], kind[0]) not in cast.NO_SUCH_BRANCH
    ]


def _branch(
    account: KeyAccount,
    district: tuple[str, str, str, str, bool],
    kind: tuple[str, str, UseClass, int],
    now: datetime,
) -> Branch:
    code, name, short, english, is_city = district
    word, kind_english, _use_class, _size = kind
    branch = accounts.add_branch(
        account.id,
        accounts.BranchDetails(
            name=f"{short}{word}分公司",
            name_en=f"{english} {kind_english} Branch",
            parent_id=None,
            district=name,
            # Freight yards of the counties lie outside the county towns.
            is_urban=is_city or word != "货运",
            is_active=True,
            aliases=(f"{short}{word}", f"{short}{word}公司"),
        ),
        actor=None,
        now=now,
    )
    branch.district_code = code
    return branch


def _contacts(account: KeyAccount, branches: list[Branch], random: Random, now: datetime) -> None:
    del now
    department = Contact(
        account_id=account.id,
        name="集团保险部",
        position="部门公共邮箱",
        phone="0371 6688 6001",
        email="insurance@zzly.example",
        gets_reports=True,
        gets_renewals=True,
        gets_large_losses=True,
    )
    safety = Contact(
        account_id=account.id,
        name="高建军",
        position="集团安全总监",
        phone="139 3710 6002",
        email="safety@zzly.example",
        gets_reports=True,
        gets_large_losses=True,
    )
    db.session.add_all([department, safety])
    for index, branch in enumerate(branches):
        db.session.add(
            Contact(
                account_id=account.id,
                branch_id=branch.id,
                name=person_name(random),
                position="安全科长",
                phone=f"139 3710 {7100 + index}",
                email=f"branch{index + 1:02d}@zzly.example",
                gets_renewals=True,
            )
        )


def person_name(random: Random) -> str:
    """An invented person."""
    return random.choice(cast.SURNAMES) + random.choice(cast.GIVEN_NAMES)


def _user(person: cast.Person, account: KeyAccount, branches: list[Branch], now: datetime) -> User:
    branch = next(
        (b for b in branches if person.branch and b.name == f"{person.branch[0]}{person.branch[1]}分公司"),
        None,
    )
    mail_host = "zzly.example" if person.staff_no.startswith("B") else "desk.example"
    user = User(
        username=person.username,
        name=person.name,
        staff_no=person.staff_no,
        phone=person.phone,
        email=f"{person.username}@{mail_host}",
        password_hash=_password_hash(),
        role=person.role,
        branch_id=branch.id if branch else None,
        created_at=now,
    )
    db.session.add(user)
    db.session.flush()
    if person.role is not Role.ADMIN:
        db.session.add(UserAccount(user_id=user.id, account_id=account.id))
    return user


_hashes: dict[str, str] = {}


def _password_hash() -> str:
    # One hash serves all demo logins: thirteen of them would cost half a second of the first start.
    return _hashes.setdefault(PASSWORD, hash_password(PASSWORD))


def _uscc(body: str) -> str:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(sign) * pow(3, place, 31) for place, sign in enumerate(body))
    return body + alphabet[(31 - total % 31) % 31]


def build_fleet(group: Group, random: Random, now: datetime) -> list[Vehicle]:
    """Write about 1,200 vehicles with their plate and branch history, in bulk."""
    rows: list[dict[str, object]] = []
    kinds = {word: (use_class, size) for word, _english, use_class, size in cast.BRANCH_KINDS}
    for branch in group.branches:
        word = next(word for word in kinds if branch.name.endswith(f"{word}分公司"))
        use_class, size = kinds[word]
        for _number in range(max(8, size + random.randint(-6, 6))):
            rows.append(_vehicle(len(rows), branch, use_class, random, now))
    db.session.execute(insert(Vehicle), rows)
    vehicles = list(db.session.query(Vehicle).filter_by(account_id=group.account.id).order_by(Vehicle.id))
    since = {vehicle.id: vehicle.created_at for vehicle in vehicles}
    db.session.execute(
        insert(PlateRecord),
        [{"vehicle_id": v.id, "plate": v.plate, "from_at": since[v.id]} for v in vehicles if v.plate],
    )
    db.session.execute(
        insert(BranchRecord),
        [{"vehicle_id": v.id, "branch_id": v.branch_id, "from_at": since[v.id]} for v in vehicles],
    )
    db.session.execute(
        insert(VehicleStateRecord),
        [{"vehicle_id": v.id, "state": v.state, "from_at": since[v.id]} for v in vehicles],
    )
    return vehicles


def _vehicle(
    index: int, branch: Branch, use_class: UseClass, random: Random, now: datetime
) -> dict[str, object]:
    model, size = random.choice(cast.MODELS[use_class])
    registered: date = (now - timedelta(days=random.randint(240, 3400))).date()
    is_goods = use_class is UseClass.GOODS
    state = VehicleState.OPERATING
    if index % 61 == 17:
        state = VehicleState.SUSPENDED
    elif index % 113 == 50:
        state = VehicleState.RETIRED
    return {
        "account_id": branch.account_id,
        "branch_id": branch.id,
        "plate": _plate(index, use_class),
        "vin": _vin(index, use_class, registered.year),
        "engine_no": f"{random.choice(_LETTERS)}{random.randint(10_000_000, 99_999_999)}",
        "model": model,
        "use_class": use_class,
        "seats": None if is_goods else size,
        "load_kg": size if is_goods else None,
        "registered_on": registered,
        "state": state,
        "created_at": now - timedelta(days=700),
        "version": 1,
    }


def _plate(index: int, use_class: UseClass) -> str:
    """A plate that no other index gives: 37 is coprime to the counts it runs through."""
    prefix = "豫V" if index % 3 == 0 else "豫A"
    if use_class is UseClass.CITY_BUS:
        return f"{prefix}{10_000 + index * 37 % 90_000:05d}D"
    if use_class is UseClass.TAXI_RENTAL and index % 2:
        return f"{prefix}D{10_000 + index * 37 % 90_000:05d}"
    number = index * 37 % 10_000
    return f"{prefix}{_LETTERS[index % 24]}{number:04d}"


def _vin(index: int, use_class: UseClass, year: int) -> str:
    codes = "ABCDEFGHJKLMNPRSTVWXY123456789"
    blank = f"{_MAKER_CODES[use_class]}0{codes[(year - 2010) % 30]}1{index + 100_000:06d}"
    return f"{blank[:8]}{vin_check_digit(blank)}{blank[9:]}"
