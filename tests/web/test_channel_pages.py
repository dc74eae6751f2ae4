"""The pages of bots and webhooks: who may, what is refused, and that a key once typed is never seen again."""

import pytest
from sqlalchemy import select

from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import MessageChannel, Notice
from tests.world import World

KEY = "693a91f6-7abc-4bc4-97a0-0ec2sifa5aaa"
WECOM = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
SECRET = "s3cret-of-the-webhook"


def typed(**changes):
    values = {
        "kind": "wecom",
        "name": "理赔群",
        "url": WECOM,
        "language": "zh",
        "audience": "insurer",
        "subjects": ["clocks", "large_losses"],
        "is_active": "y",
    }
    return values | changes


def only_channel() -> MessageChannel:
    return db.session.scalars(select(MessageChannel).execution_options(populate_existing=True)).one()


def test_a_manager_adds_tries_changes_and_pauses_a_channel(world: World, sign_in) -> None:
    world.manager.language = "en"
    manager = sign_in("manager")
    assert "No channel yet" in manager.get("/channels").text

    assert manager.post("/channels/new", data=typed()).status_code == 303
    channel = only_channel()
    assert (channel.account_id, channel.hook_url, channel.subjects) == (
        world.account.id,
        WECOM,
        ["large_losses", "clocks"],
    )
    page = manager.get("/channels").text
    assert "https://qyapi.weixin.qq.com/…5aaa" in page
    assert "WeCom group bot" in page
    assert manager.post(f"/channels/{channel.id}/test").status_code == 303
    assert "Test of the channel 理赔群" in manager.get("/channels").text
    assert db.session.scalars(
        select(Notice.kind).where(Notice.channel_id == channel.id).order_by(Notice.id)
    ).all() == ["channel_test"]

    # A new name; the address stays, for its field was left empty. Then paused.
    path = f"/channels/{channel.id}"
    changed = typed(name="大案群", url="", version=str(channel.version), is_active="")
    assert manager.post(path, data=changed).status_code == 303
    channel = only_channel()
    assert (channel.name, channel.hook_url, channel.is_active) == ("大案群", WECOM, False)
    # The page that was open before is stale now.
    assert manager.post(path, data=changed | {"version": "1"}).status_code == 409
    assert "Paused" in manager.get("/channels").text

    replaced = typed(name="大案群", url=WECOM.replace("5aaa", "5bbb"), version=str(channel.version))
    assert manager.post(path, data=replaced).status_code == 303
    trail = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in trail] == [
        "channel_added",
        "channel_tested",
        "channel_changed",
        "channel_changed",
    ]
    assert trail[-1].changes["hook_url"] == ["***", "***"]
    shown = "".join(manager.get(page).text for page in ("/channels", path, "/audit"))
    for entry in trail:
        shown += str(entry.changes)
    assert KEY not in shown
    assert "0ec2sifa" not in shown


def test_a_webhooks_secret_is_kept_and_never_shown(world: World, sign_in) -> None:
    manager = sign_in("manager")
    hook = typed(kind="webhook", url="https://hooks.zzly.example/desk?token=abcdefgh", secret=SECRET)

    assert manager.post("/channels/new", data=hook).status_code == 303

    channel = only_channel()
    assert channel.hook_secret == SECRET
    edited = typed(kind="webhook", url="", secret="", version=str(channel.version), name="系统")
    assert manager.post(f"/channels/{channel.id}", data=edited).status_code == 303
    assert only_channel().hook_secret == SECRET
    pages = manager.get("/channels").text + manager.get(f"/channels/{channel.id}").text
    assert SECRET not in pages
    assert "abcdefgh" not in pages


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": ""}, "Enter the whole address"),
        ({"url": "https://evil.example/send"}, "must be at qyapi.weixin.qq.com"),
        ({"url": "http://qyapi.weixin.qq.com/x"}, "must begin with https://"),
        ({"kind": "webhook", "url": "https://169.254.169.254/", "secret": SECRET}, "no public address"),
        (
            {"kind": "webhook", "url": "https://hooks.example.com/", "secret": "short"},
            "at least 16 characters",
        ),
        ({"subjects": []}, "Choose at least one subject"),
        ({"kind": "pager"}, "Kind"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(world: World, sign_in, changes, sentence) -> None:
    world.manager.language = "en"

    answer = sign_in("manager").post("/channels/new", data=typed(**changes))

    assert answer.status_code == 422
    assert sentence in answer.text
    assert db.session.scalars(select(MessageChannel)).all() == []
    assert SECRET not in answer.text


def test_only_who_runs_the_account_sees_and_changes_its_channels(world: World, sign_in) -> None:
    assert sign_in("manager").post("/channels/new", data=typed()).status_code == 303
    path = f"/channels/{only_channel().id}"
    foreign = MessageChannel(
        account_id=world.foreign_account.id,
        kind="wecom",
        name="别家群",
        hook_url=WECOM,
        subjects=["clocks"],
        created_at=world.manager.created_at,
    )
    db.session.add(foreign)
    db.session.commit()

    for username in ("claims1", "underwriter", "hq", "safety-gongyi"):
        client = sign_in(username)
        for answer in (
            client.get("/channels"),
            client.get("/channels/new"),
            client.post("/channels/new", data=typed(name="x")),
            client.get(path),
            client.post(path, data=typed()),
            client.post(f"{path}/test"),
        ):
            assert answer.status_code == 403, username
    for answer in (
        sign_in("manager").get(f"/channels/{foreign.id}"),
        sign_in("manager").post(f"/channels/{foreign.id}", data=typed()),
        sign_in("manager").post(f"/channels/{foreign.id}/test"),
    ):
        assert answer.status_code == 404
    assert "别家群" not in sign_in("manager").get("/channels").text
    assert sign_in("admin").get(f"/channels/{foreign.id}").status_code == 200
