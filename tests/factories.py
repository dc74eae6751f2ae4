"""Builders of rows: `VehicleFactory(account=..., branch=...)`. Each flushes, so that ids are set; none commits."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import factory
from argon2 import PasswordHasher

from service_desk.base.text import search_key
from service_desk.models.accounts import Branch, Contact, KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import BranchRecord, PlateRecord, Vehicle, VehicleState, VehicleStateRecord
from service_desk.models.policies import Coverage, Policy, PolicyState
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import Role
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass

PASSWORD = "desk-test-2026"
CREATED_AT = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)

_VIN_VALUES = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)], strict=True)),
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def make_vin(serial: int) -> str:
    """A bus maker's VIN with a right check digit."""
    blank = f"LZYTBGBW0P1{serial:06d}"
    remainder = sum(_VIN_VALUES[sign] * weight for sign, weight in zip(blank, _VIN_WEIGHTS, strict=True)) % 11
    return f"{blank[:8]}{'X' if remainder == 10 else remainder}{blank[9:]}"


def make_uscc(serial: int) -> str:
    """A company's credit code registered in Zhengzhou, with both check characters right."""
    body = f"MA4{serial:05d}"
    organisation = sum(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(sign) * weight
        for sign, weight in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    body += "0123456789X"[(11 - organisation % 11) % 11]
    code = f"91410100{body}"
    total = sum(_USCC_ALPHABET.index(sign) * pow(3, place, 31) for place, sign in enumerate(code))
    return code + _USCC_ALPHABET[(31 - total % 31) % 31]


@cache
def password_hash() -> str:
    """The hash of PASSWORD, made once."""
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(PASSWORD)


class _Factory(factory.alchemy.SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session_factory = lambda: db.session  # noqa: E731
        sqlalchemy_session_persistence = "flush"


class KeyAccountFactory(_Factory):
    class Meta:
        model = KeyAccount

    code = factory.Sequence(lambda n: f"ACC{n:03d}")
    name = factory.Sequence(lambda n: f"河南第{n}运输集团有限公司")
    name_en = factory.Sequence(lambda n: f"Henan Transport Group {n}")
    uscc = factory.Sequence(lambda n: make_uscc(10000 + n % 80000))
    credit_limit_fen = None


class BranchFactory(_Factory):
    """A branch; give `account`, and `parent` when it is not at the top."""

    class Meta:
        model = Branch
        exclude = ("account", "parent")

    account: Any = None
    parent: Any = None
    account_id = factory.LazyAttribute(lambda it: it.account.id)
    parent_id = factory.LazyAttribute(lambda it: it.parent.id if it.parent else None)
    name = factory.Sequence(lambda n: f"第{n}客运分公司")
    name_en = factory.Sequence(lambda n: f"Coach Branch {n}")
    name_key = factory.LazyAttribute(lambda it: search_key(it.name))
    district_code = "410181"
    district = "巩义市"

    @classmethod
    def _create(cls, model_class: type[Branch], *args: Any, **values: Any) -> Branch:
        branch: Branch = super()._create(model_class, *args, **values)
        parent = db.session.get(Branch, branch.parent_id) if branch.parent_id else None
        branch.path = f"{parent.path if parent else '/'}{branch.id}/"
        db.session.flush()
        return branch


class ContactFactory(_Factory):
    class Meta:
        model = Contact
        exclude = ("account", "branch")

    account: Any = None
    branch: Any = None
    account_id = factory.LazyAttribute(lambda it: it.account.id)
    branch_id = factory.LazyAttribute(lambda it: it.branch.id if it.branch else None)
    name = "周敏"
    position = "保险部主任"
    phone = factory.Sequence(lambda n: f"1383710{n:04d}")
    email = factory.Sequence(lambda n: f"contact{n}@zzly.example")


class UserFactory(_Factory):
    """A login with PASSWORD; give `accounts` it works for, `branch` for a safety officer."""

    class Meta:
        model = User
        exclude = ("branch",)

    branch: Any = None
    username = factory.Sequence(lambda n: f"user{n}")
    name = factory.Sequence(lambda n: f"员工{n}")
    staff_no = factory.Sequence(lambda n: f"41{n:06d}")
    phone = factory.Sequence(lambda n: f"1390371{n:04d}")
    email = factory.LazyAttribute(lambda it: f"{it.username}@desk.example")
    password_hash = factory.LazyFunction(password_hash)
    role = Role.CLAIMS
    branch_id = factory.LazyAttribute(lambda it: it.branch.id if it.branch else None)
    language = "zh"
    created_at = CREATED_AT

    @factory.post_generation
    def accounts(self, create: bool, extracted: list[KeyAccount] | None, **_: Any) -> None:
        db.session.add_all(UserAccount(user_id=self.id, account_id=account.id) for account in extracted or [])
        db.session.flush()


class VehicleFactory(_Factory):
    """An operating coach; give its `branch`. Its plate and branch history begin with it."""

    class Meta:
        model = Vehicle
        exclude = ("branch",)

    branch: Any = None
    account_id = factory.LazyAttribute(lambda it: it.branch.account_id)
    branch_id = factory.LazyAttribute(lambda it: it.branch.id)
    # With a letter, so that no plate a test spells out is given twice, however many vehicles a run makes.
    plate = factory.Sequence(lambda n: f"豫A{'QRSTUVWXYZ'[n // 10000 % 10]}{n % 10000:04d}")
    vin = factory.Sequence(lambda n: make_vin(100000 + n))
    engine_no = factory.Sequence(lambda n: f"YC6J{n:06d}")
    model = "宇通 ZK6119H"
    use_class = UseClass.COACH
    seats = 45
    registered_on = date(2023, 3, 14)
    state = VehicleState.OPERATING
    created_at = CREATED_AT

    @classmethod
    def _create(cls, model_class: type[Vehicle], *args: Any, **values: Any) -> Vehicle:
        vehicle: Vehicle = super()._create(model_class, *args, **values)
        since = vehicle.created_at
        db.session.add(BranchRecord(vehicle_id=vehicle.id, branch_id=vehicle.branch_id, from_at=since))
        if vehicle.plate:
            db.session.add(PlateRecord(vehicle_id=vehicle.id, plate=vehicle.plate, from_at=since))
        db.session.add(VehicleStateRecord(vehicle_id=vehicle.id, state=vehicle.state, from_at=since))
        db.session.flush()
        return vehicle


class PolicyFactory(_Factory):
    """A policy of one year from `starts_at`; give its `vehicle` and who `issued_by`. Coverages are added apart."""

    class Meta:
        model = Policy
        exclude = ("vehicle", "issued_by")

    vehicle: Any = None
    issued_by: Any = None
    number = factory.Sequence(lambda n: f"TST-2026-{n:06d}")
    account_id = factory.LazyAttribute(lambda it: it.vehicle.account_id)
    branch_id = factory.LazyAttribute(lambda it: it.vehicle.branch_id)
    issued_branch_id = factory.LazyAttribute(lambda it: it.branch_id)
    vehicle_id = factory.LazyAttribute(lambda it: it.vehicle.id)
    line = PolicyLine.CTPL
    cover_set = "ctpl"
    state = PolicyState.ISSUED
    starts_at = datetime(2025, 12, 31, 16, 0, tzinfo=UTC)
    ends_at = factory.LazyAttribute(lambda it: it.starts_at + timedelta(days=365))
    agreed_ends_at = factory.LazyAttribute(lambda it: max(it.ends_at, it.starts_at + timedelta(days=1)))
    premium_fen = 3_130_00
    insured_name = "郑州联运集团有限公司"
    plate = factory.LazyAttribute(lambda it: it.vehicle.plate)
    vin = factory.LazyAttribute(lambda it: it.vehicle.vin)
    vehicle_facts = factory.LazyAttribute(
        lambda it: {"use_class": it.vehicle.use_class, "seats": it.vehicle.seats, "model": it.vehicle.model}
    )
    issued_by_id = factory.LazyAttribute(lambda it: it.issued_by.id)
    issued_at = factory.LazyAttribute(lambda it: it.starts_at - timedelta(days=1))


class CoverageFactory(_Factory):
    class Meta:
        model = Coverage
        exclude = ("policy",)

    policy: Any = None
    policy_id = factory.LazyAttribute(lambda it: it.policy.id)
    code = CoverCode.CTPL
    limit_fen = 200_000_00
