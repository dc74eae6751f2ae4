"""The demo's words: names, places, makes. All invented; nothing of a real group, person or vehicle."""

from dataclasses import dataclass

from service_desk.rules.permissions import Role
from service_desk.rules.vocabulary import UseClass

ACCOUNT_CODE = "ZZLY"
ACCOUNT_NAME = "郑州联运集团有限公司"
ACCOUNT_NAME_EN = "Zhengzhou United Transport Group"
ACCOUNT_USCC_BODY = "91410100MA4DEM001"
INSURER_NAME = "中州联合财产保险股份有限公司"
INSURER_NAME_EN = "Zhongzhou United Property Insurance"
INSURER_PHONE = "0371-6000 0000"

# The twelve county-level units of Zhengzhou (GB/T 2260), short name, English, whether a city district.
DISTRICTS = (
    ("410102", "中原区", "中原", "Zhongyuan", True),
    ("410103", "二七区", "二七", "Erqi", True),
    ("410104", "管城回族区", "管城", "Guancheng", True),
    ("410105", "金水区", "金水", "Jinshui", True),
    ("410106", "上街区", "上街", "Shangjie", True),
    ("410108", "惠济区", "惠济", "Huiji", True),
    ("410122", "中牟县", "中牟", "Zhongmu", False),
    ("410181", "巩义市", "巩义", "Gongyi", False),
    ("410182", "荥阳市", "荥阳", "Xingyang", False),
    ("410183", "新密市", "新密", "Xinmi", False),
    ("410184", "新郑市", "新郑", "Xinzheng", False),
    ("410185", "登封市", "登封", "Dengfeng", False),
)

# Kind of branch, English, how its vehicles are used, vehicles in a usual branch.
BRANCH_KINDS = (
    ("客运", "Coach", UseClass.COACH, 26),
    ("公交", "City Bus", UseClass.CITY_BUS, 38),
    ("货运", "Freight", UseClass.GOODS, 30),
    ("出租汽车", "Taxi", UseClass.TAXI_RENTAL, 24),
)
# Seven of the forty-eight pairs do not exist, which leaves the group's forty-one branches.
NO_SUCH_BRANCH = frozenset(
    {
        ("上街", "出租汽车"),
        ("惠济", "出租汽车"),
        ("管城", "客运"),
        ("金水", "货运"),
        ("中原", "客运"),
        ("新密", "出租汽车"),
        ("登封", "出租汽车"),
    }
)

MODELS = {
    UseClass.COACH: (
        ("宇通 ZK6119H", 49),
        ("宇通 ZK6907H", 39),
        ("金龙 XMQ6113", 51),
        ("海格 KLQ6882", 35),
        ("宇通 ZK6729D", 29),
    ),
    UseClass.CITY_BUS: (
        ("宇通 ZK6105BEVG", 34),
        ("宇通 ZK6850BEVG", 28),
        ("比亚迪 BYD6100", 31),
        ("金旅 XML6105", 33),
        ("宇通 E12", 38),
    ),
    UseClass.GOODS: (
        ("解放 J6P", 18_000),
        ("东风天龙 KL", 15_500),
        ("陕汽德龙 X3000", 20_000),
        ("福田欧马可", 4_900),
        ("江淮骏铃", 1_800),
    ),
    UseClass.TAXI_RENTAL: (("大众捷达", 5), ("比亚迪 e5", 5), ("东风风神 E70", 5), ("吉利帝豪 EV", 5)),
}


@dataclass(frozen=True)
class Person:
    """A demo login. `branch` is the short name and kind of a safety officer's branch."""

    username: str
    name: str
    staff_no: str
    phone: str
    role: Role
    branch: tuple[str, str] | None = None
    is_shown: bool = True


PEOPLE = (
    Person("admin", "何文涛", "1001", "137 0371 5501", Role.ADMIN),
    Person("manager", "孙国强", "1008", "137 0371 5508", Role.MANAGER),
    Person("underwriter", "李静", "1024", "137 0371 5524", Role.UNDERWRITER),
    Person("claims1", "王磊", "1017", "138 0371 2260", Role.CLAIMS),
    Person("claims2", "周鹏", "1031", "137 0371 5528", Role.CLAIMS),
    Person("hq", "陈慧敏", "B001", "139 3710 6001", Role.GROUP_INSURANCE),
    Person("safety-gongyi", "赵国强", "B118", "139 3710 8891", Role.BRANCH_SAFETY, ("巩义", "客运")),
    Person("manager2", "郑海燕", "1009", "137 0371 5509", Role.MANAGER, is_shown=False),
    Person("claims3", "马骏", "1026", "137 0371 5526", Role.CLAIMS, is_shown=False),
    Person("claims4", "韩雪", "1035", "137 0371 5535", Role.CLAIMS, is_shown=False),
    Person("underwriter2", "张颖", "1028", "137 0371 5529", Role.UNDERWRITER, is_shown=False),
    Person(
        "safety-zhongmu",
        "刘振华",
        "B121",
        "139 3710 8892",
        Role.BRANCH_SAFETY,
        ("中牟", "公交"),
        is_shown=False,
    ),
    Person(
        "safety-xinzheng",
        "杨光",
        "B127",
        "139 3710 8893",
        Role.BRANCH_SAFETY,
        ("新郑", "货运"),
        is_shown=False,
    ),
)

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN_NAMES = (
    "建军",
    "志强",
    "丽娜",
    "国庆",
    "海涛",
    "晓燕",
    "永刚",
    "玉梅",
    "振东",
    "秀英",
    "保国",
    "春雷",
    "俊杰",
    "文静",
    "德明",
    "红霞",
    "庆林",
    "亚楠",
    "铁柱",
    "书琴",
)

ROADS = (
    "G310 国道 {k} 公里处",
    "郑开大道与人文路路口",
    "中州大道农业路立交下",
    "陇海快速路西四环入口",
    "连霍高速 {k} 公里服务区",
    "商都路与通泰路路口",
    "{district}客运总站东门",
    "{district}建设路与人民路路口",
    "S314 省道 {district}段",
    "航海路未来路路口北 50 米",
    "京港澳高速圃田收费站外",
    "{district}中心医院公交站",
)

STORIES = (
    ("雨天跟车过近，追尾前方货车，前保险杠与左前大灯损坏", True, 0),
    ("进站时与右侧小型轿车剐蹭，对方左后门凹陷", True, 0),
    ("倒车入库时碰撞路边隔离墩，后围板变形", False, 0),
    ("路口左转与直行电动车相撞，骑车人腿部擦伤送医", True, 1),
    ("急刹车致车内一名乘客摔倒，手腕扭伤", True, 1),
    ("会车时后视镜互碰，双方玻璃破损", True, 0),
    ("夜间行驶与横穿马路的行人相撞，行人送医检查", True, 1),
    ("停放期间被不明车辆剐蹭右侧车身", False, 0),
    ("变更车道与出租车侧面碰撞，双方车门受损", True, 0),
    ("前方车辆急停，追尾，前挡风玻璃破裂，两名乘客轻伤", True, 2),
    ("货物捆扎松动滑落，砸中后方轿车引擎盖", True, 0),
    ("高架桥下转弯半径不足，剐蹭限高架", False, 0),
    ("冰雪路面侧滑撞上护栏，护栏三节受损", True, 0),
    ("起步时与左侧超车的面包车相撞", True, 0),
)

FINDINGS = (
    "现场已撤至应急车道，碰撞痕迹与陈述相符，照片齐全",
    "第一现场，刹车痕 6 米，路面湿滑，双方车辆受损部位吻合",
    "车辆已移至停车场，损失部位与报案一致，未见旧伤",
    "第一现场，交警已到场，出具简易程序事故认定书",
    "非第一现场，依据行车记录仪与照片核实",
)

REPAIRS = (
    "更换前保险杠总成，喷漆",
    "车门钣金整形，喷漆两幅",
    "更换后视镜总成",
    "更换前挡风玻璃",
    "后围板校正，更换尾灯",
    "护栏更换三节，按公路赔偿标准",
)
