"""Refusals about channels and about what is mailed when."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "channel_name_taken": _l("There is a channel called %(name)s already."),
    "channel_paused": _l("The channel %(name)s is paused. Switch it on first."),
    "channel_without_subject": _l("Choose at least one subject."),
    "channels_full": _l("An account has at most %(most)s channels."),
    "choice_not_offered": _l("This choice is not offered. Load the page again."),
    "digest_in_quiet_hours": _l("The digest would come in the quiet hours. Choose another time."),
    "digest_told_since": _l("A later digest has told this already. There is nothing left to send."),
    "hook_address": _l("Enter the whole address the bot was given, beginning with https://."),
    "hook_not_https": _l("The address must begin with https://."),
    "hook_private": _l(
        "This is no public address. Hosts of your own house are named in the desk's settings (CHANNEL_HOSTS)."
    ),
    "hook_secret_short": _l("The secret must have at least %(length)s characters."),
    "hook_vendor": _l("The address of this bot must be at %(hosts)s."),
    "quiet_hours_empty": _l(
        "Quiet hours that begin and end at the same time are none. Leave both empty instead."
    ),
    "quiet_hours_half": _l("Say when the quiet hours begin and when they end, or leave both empty."),
}
