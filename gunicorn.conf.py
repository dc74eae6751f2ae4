"""How gunicorn serves the desk: `gunicorn wsgi:app` finds this file; `python -m service_desk` uses it in production."""

import gc
import os
import signal
import threading
import time

worker_class = "gthread"
# Measured: two workers of four threads serve about three times what one worker of eight does.
workers = 2
threads = 4
graceful_timeout = 20
loglevel = "warning"


def post_worker_init(_worker):
    """Let the collector pass over what was loaded: to look through it takes 170 ms, in the middle of some request."""
    gc.collect()
    gc.freeze()


def when_ready(_server):
    """Stop with the process that started us: killed outright, it could not tell, and would leave the port taken."""
    if os.environ.get("DESK_STOPS_WITH_PARENT"):
        threading.Thread(target=_stop_with, args=(os.getppid(),), daemon=True).start()


def _stop_with(parent):
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
