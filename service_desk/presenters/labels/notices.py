"""Words of messages: their subjects, channels and states, and why one was not delivered."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "audit_action": {
        "address_tried_again": _l("Address tried again"),
        "channel_added": _l("Channel added"),
        "channel_changed": _l("Channel changed"),
        "channel_tested": _l("Channel tested"),
        "delivery_log_exported": _l("Delivery log exported"),
        "notice_preferences_changed": _l("Notice settings changed"),
    },
    "audit_field": {
        "audience": _l("Who reads it"),
        "choices": _l("Mails by subject"),
        "digest_at": _l("Digest at"),
        "digest_id": _l("Digest"),
        "fail_reason": _l("Reason"),
        "hook_secret": _l("Secret"),
        "hook_url": _l("Address"),
        "next_try_at": _l("Next try"),
        "quiet_from": _l("Quiet from"),
        "quiet_until": _l("Quiet until"),
        "subjects": _l("Subjects"),
        "tries": _l("Tries"),
    },
    "notice_state": {
        "queued": _l("Waiting to be sent"),
        "held": _l("Held for the digest"),
        "sent": _l("Sent"),
        "failed": _l("Not delivered"),
        "set_aside": _l("Set aside"),
    },
    "notice_channel": {
        "mail": _l("Mail"),
        "in_app": _l("In the app"),
        "wecom": _l("WeCom"),
        "dingtalk": _l("DingTalk"),
        "feishu": _l("Feishu"),
        "webhook": _l("Webhook"),
    },
    "hook_kind": {
        "wecom": _l("WeCom group bot"),
        "dingtalk": _l("DingTalk group bot"),
        "feishu": _l("Feishu group bot"),
        "webhook": _l("Signed webhook"),
    },
    "channel_audience": {
        "insurer": _l("Our own people"),
        "client": _l("The client's people"),
    },
    "notice_subject": {
        "large_losses": _l("Large losses"),
        "clocks": _l("Breaches and warnings"),
        "reports": _l("Reports"),
        "cover": _l("Cover, renewals and premium"),
        "claims": _l("Progress of claims"),
        "enquiries": _l("First contacts"),
        "relations": _l("Meetings, opinions and agreed items"),
        "system": _l("The desk itself"),
    },
    "mail_choice": {
        "at_once": _l("By mail at once"),
        "digest": _l("In the daily digest"),
        "in_app": _l("Only in the app"),
    },
    "fail_reason": {
        "gave_up": _l("Given up after all tries"),
        "refused": _l("Refused for good"),
        "bad_address": _l("No valid address"),
        "bouncing": _l("Not tried: the address bounces"),
        "channel_off": _l("Not tried: the channel is paused"),
        "not_rendered": _l("Could not be put into words"),
        "login_closed": _l("Not sent: the login was closed meanwhile"),
    },
}
