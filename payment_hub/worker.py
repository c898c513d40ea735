"""The Celery app: the same hub as the web's, in an app context, with beat's schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from celery import Celery, Task
from celery.signals import setup_logging, worker_process_init
from flask import Flask

from payment_hub.current import hub_of
from payment_hub.logs import configure_logs

#: Webhooks have a queue and a worker of their own: a portal that is slow to answer holds up neither banks nor nights.
MESSENGER: Final = "messenger"


def create_celery(app: Flask, broker_url: str, schedule: Mapping[str, Any]) -> Celery:
    """The Celery app whose tasks run in ``app``'s context, on ``schedule``."""

    class TaskInApp(Task):  # type: ignore[misc]
        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                return self.run(*args, **kwargs)

    celery = Celery(app.name, broker=broker_url, task_cls=TaskInApp)
    celery.conf.update(
        beat_schedule=dict(schedule),
        task_routes={"hub.deliver_webhooks": {"queue": MESSENGER}},
        timezone="Asia/Ho_Chi_Minh",  # the night is meant in hub time
        task_ignore_result=True,  # what became of a task is in the database
        task_acks_late=True,  # a worker that dies gives its task back; every operation may run twice
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,  # a long night must not delay short tasks
        broker_connection_retry_on_startup=True,
        broker_transport_options={"visibility_timeout": 7200},  # longer than the longest night
        worker_hijack_root_logger=False,
        worker_max_tasks_per_child=10000,
    )
    worker_process_init.connect(lambda **_: hub_of(app).engine.dispose(close=False), weak=False)
    setup_logging.connect(lambda **_: configure_logs(), weak=False)
    celery.set_default()
    return celery
