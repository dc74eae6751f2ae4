"""The demo's guides: the supplied set, one of the account's own in two versions, one to be reviewed, and a bulletin."""

from datetime import datetime, timedelta

from service_desk.base.clock import local_date
from service_desk.demo.group import Group
from service_desk.rules.knowledge import ArticleKind, HelpMoment
from service_desk.rules.vocabulary import UseClass
from service_desk.services import knowledge
from service_desk.services.knowledge import ArticleTerms, Topics, bulletins, starting_set
from service_desk.services.knowledge.bulletins import BulletinTerms

_PARKING = ArticleTerms(
    "站场内剐蹭怎么报",
    "Scrapes inside our own yards",
    "集团站场内车辆互碰、碰墙碰柱的报案办法。",
    "How to report when vehicles of the group scrape each other, a wall or a pillar in the yard.",
    "# 三步\n1. 拍两车位置和受损部位各一张，叫站场调度到场签字。\n2. 两辆都是集团车辆的，一起报一次，勾选“双方都是本集团车辆”。\n"
    "3. 交站场监控片段；不需要交警认定书的，以调度签字的经过说明代替。",
    "# Three steps\n1. One photo of both vehicles where they stand and one of each damage; have the dispatcher sign.\n"
    "2. Both vehicles of the group: one report, with “both vehicles are ours”.\n"
    "3. Hand in the yard's recording. Where no police finding is needed the dispatcher's signed account will do.",
    topics=Topics(moments=frozenset({HelpMoment.REPORTING, HelpMoment.SURVEY})),
)
_FLOOD = ArticleTerms(
    "汛期涉水行车",
    "Driving through water in the rainy season",
    "水深过轮胎一半不过，熄火后不再启动。",
    "Not when the water is above half a wheel; once the engine stops do not start it again.",
    "# 这样做\n- 水深看前车排气管和路沿，超过轮胎一半改道。\n- 低挡匀速通过，中途不换挡、不松油门。\n- **熄火后不要再次启动**，下车到高处，报案等救援。",
    "# Do this\n- Judge by the exhaust of the vehicle in front and the kerb; above half a wheel take another way.\n"
    "- Low gear, steady, no change of gear, no letting go.\n- **Once the engine stops do not start it again**: get out, go uphill, report, wait for help.",
    topics=Topics(
        use_classes=frozenset({UseClass.COACH, UseClass.CITY_BUS}), moments=frozenset({HelpMoment.PREVENTION})
    ),
)


def build_knowledge(group: Group, now: datetime) -> None:
    """Write all of it with the pages' own services; readers and their words included."""
    starting_set.install_missing(now - timedelta(days=200))
    account_id, writer, second = group.account.id, group.users["claims1"], group.users["manager"]
    first_at = now - timedelta(days=90)
    article = knowledge.new_article(
        account_id, ArticleKind.NOTICE, _PARKING, for_all=False, actor=writer, now=first_at
    )
    _publish(group, article.slug, first_at)
    second_at = now - timedelta(days=20)
    draft = knowledge.start_version(article.slug, actor=writer, now=second_at)
    terms = ArticleTerms(
        **{name: getattr(_PARKING, name) for name in ("title", "title_en", "summary", "summary_en")},
        body=_PARKING.body + "\n4. 充电桩、洗车机受损的，另拍设备铭牌。",
        body_en=_PARKING.body_en + "\n4. A charger or washing plant damaged: photograph its plate as well.",
        change_note="增加充电桩和洗车机",
        topics=_PARKING.topics,
    )
    knowledge.change_draft(article.slug, terms, version=draft.version, actor=writer, now=second_at)
    _publish(group, article.slug, second_at)
    waiting = knowledge.new_article(
        account_id, ArticleKind.CASE, _FLOOD, for_all=False, actor=writer, now=now - timedelta(days=1)
    )
    _submit(group, waiting.slug, now - timedelta(days=1))
    _read(group, article.slug, now)
    terms_of_bulletin = BulletinTerms(
        local_date(now) - timedelta(days=6),
        "入冬后第一次寒潮将至，请在本周班前会上讲一遍下面三篇，并检查防滑链和应急锤。",
        "The first cold spell is coming. Go through these three before this week's shifts, and check chains and hammers.",
        ("coach-on-ice", "fatigue-at-night", "at-the-scene"),
    )
    at = now - timedelta(days=6)
    row = bulletins.new_bulletin(account_id, terms_of_bulletin, actor=second, now=at)
    bulletins.send(account_id, row.number, version=row.version, actor=second, now=at)


def _submit(group: Group, slug: str, at: datetime) -> int:
    writer = group.users["claims1"]
    _article, draft = knowledge.get_open(slug, actor=writer)
    return knowledge.submit(slug, version=draft.version, actor=writer, now=at).version


def _publish(group: Group, slug: str, at: datetime) -> None:
    _submit(group, slug, at)
    second = group.users["manager"]
    _article, draft = knowledge.get_open(slug, actor=second)
    knowledge.publish(slug, version=draft.version, actor=second, now=at)


def _read(group: Group, slug: str, now: datetime) -> None:
    reader = group.users["hq"]
    for one, is_helpful, word in (
        (slug, True, ""),
        ("at-the-scene", True, "驾驶员手机上能直接看，好用。"),
        ("passenger-injured", False, "能不能加一段公交刷卡记录怎么导出？"),
    ):
        number = knowledge.open_article(one, actor=reader).version.number
        at = now - timedelta(days=3)
        knowledge.note_read(one, number, actor=reader, now=at)
        knowledge.tell_opinion(one, number, is_helpful=is_helpful, word=word, actor=reader, now=at)
