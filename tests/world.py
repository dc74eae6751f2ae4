"""One known cast: a key account with two branches and people in every role, and a stranger's account."""

from dataclasses import dataclass

from service_desk.models.accounts import Branch, Contact, KeyAccount
from service_desk.models.fleet import Vehicle
from service_desk.models.users import User
from service_desk.rules.permissions import Role
from service_desk.rules.vocabulary import UseClass
from tests.factories import (
    BranchFactory,
    ContactFactory,
    KeyAccountFactory,
    UserFactory,
    VehicleFactory,
    make_uscc,
    make_vin,
)


@dataclass(frozen=True)
class World:
    """The cast. All rows are committed and attached to the test's own session."""

    account: KeyAccount
    gongyi: Branch
    zhongmu: Branch
    insurance_department: Contact

    admin: User
    manager: User
    underwriter: User
    claims1: User
    claims2: User
    hq: User
    safety_gongyi: User

    coach: Vehicle
    bus: Vehicle
    truck: Vehicle

    foreign_account: KeyAccount
    foreign_branch: Branch
    foreign_hq: User
    foreign_vehicle: Vehicle


def build_world() -> World:
    """Write the cast to the database, without committing."""
    account = KeyAccountFactory(
        code="ZZLY", name="郑州联运集团", name_en="Zhengzhou United Transport", uscc=make_uscc(10001)
    )
    gongyi = BranchFactory(
        account=account, name="巩义客运分公司", name_en="Gongyi Coach Branch", is_urban=False
    )
    zhongmu = BranchFactory(
        account=account,
        name="中牟公交分公司",
        name_en="Zhongmu City Bus Branch",
        district="中牟县",
        district_code="410122",
        is_urban=False,
    )
    foreign_account = KeyAccountFactory(
        code="LYYS", name="洛阳运输集团", name_en="Luoyang Transport", uscc=make_uscc(10002)
    )
    foreign_branch = BranchFactory(
        account=foreign_account, name="偃师分公司", name_en="Yanshi Branch", district="偃师区"
    )
    return World(
        account=account,
        gongyi=gongyi,
        zhongmu=zhongmu,
        insurance_department=ContactFactory(
            account=account,
            name="周敏",
            email="insurance@zzly.example",
            gets_reports=True,
            gets_renewals=True,
            gets_large_losses=True,
        ),
        **_people(account, gongyi),
        **_vehicles(gongyi, zhongmu),
        foreign_account=foreign_account,
        foreign_branch=foreign_branch,
        foreign_hq=_user("foreign-hq", "魏晓东", Role.GROUP_INSURANCE, foreign_account),
        foreign_vehicle=VehicleFactory(branch=foreign_branch, plate="豫C88661", vin=make_vin(900001)),
    )


def _people(account: KeyAccount, gongyi: Branch) -> dict[str, User]:
    return {
        "admin": UserFactory(username="admin", name="刘志远", role=Role.ADMIN),
        "manager": _user("manager", "孙国强", Role.MANAGER, account),
        "underwriter": _user("underwriter", "李静", Role.UNDERWRITER, account),
        "claims1": _user("claims1", "王建军", Role.CLAIMS, account),
        "claims2": _user("claims2", "赵丽", Role.CLAIMS, account),
        "hq": _user("hq", "周敏", Role.GROUP_INSURANCE, account),
        "safety_gongyi": _user("safety-gongyi", "郭永刚", Role.BRANCH_SAFETY, account, branch=gongyi),
    }


def _user(username: str, name: str, role: Role, account: KeyAccount, branch: Branch | None = None) -> User:
    user: User = UserFactory(username=username, name=name, role=role, accounts=[account], branch=branch)
    return user


def _vehicles(gongyi: Branch, zhongmu: Branch) -> dict[str, Vehicle]:
    return {
        "coach": VehicleFactory(branch=gongyi, plate="豫A12345", vin=make_vin(200001), seats=45),
        "bus": VehicleFactory(
            branch=zhongmu,
            plate="豫AD12345",
            vin=make_vin(200002),
            use_class=UseClass.CITY_BUS,
            seats=32,
            model="宇通 ZK6850BEVG",
        ),
        "truck": VehicleFactory(
            branch=gongyi,
            plate="豫A67890",
            vin=make_vin(200003),
            use_class=UseClass.GOODS,
            seats=None,
            load_kg=9_990,
            model="解放 J6L",
        ),
    }
