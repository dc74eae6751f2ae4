"""Refusals about mailboxes, received mails and bots that hear."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "inbound_key": _l(
        "Enter the key: of WeCom the 43 characters of the EncodingAESKey, of DingTalk the robot's AppSecret, of Feishu the Encrypt Key, of a webhook at least 16 characters."
    ),
    "inbound_token": _l("Enter the token: of WeCom the Token, of Feishu the Verification Token."),
    "mail_not_kept": _l(
        "This mail was not kept, so nothing can be made of it. Ask its sender to write again."
    ),
    "mail_sorted": _l("Somebody has sorted this mail meanwhile."),
    "mail_unreadable": _l("This mail cannot be read. Open the original, and log the contact by hand."),
    "mailbox_address": _l("Enter the mail address that clients write to."),
    "mailbox_interval": _l("Choose from 1 to %(most)s minutes."),
    "mailbox_name_taken": _l("There is a mailbox called %(name)s already."),
    "mailbox_not_private": _l(
        "Without encryption only a server of one's own house may be read, which the desk's settings name (CHANNEL_HOSTS)."
    ),
    "mailbox_password_again": _l("For another server type the password again."),
    "mailbox_paused": _l("This mailbox is paused. Switch it on first."),
    "mailbox_port": _l("Enter a port from 1 to 65535."),
}
