"""The embedded broker. That Celery can use it is shown in test_run.py."""

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from payment_hub.embedded.broker import broker

AT_ONCE = Retry(NoBackoff(), 0)


def test_two_brokers_side_by_side_carry_their_own_messages() -> None:
    with (
        broker() as one,
        broker() as other,
        redis.Redis.from_url(one) as here,
        redis.Redis.from_url(other) as there,
    ):
        here.lpush("webhooks", "seventeen")
        assert here.llen("webhooks") == 1
        assert there.llen("webhooks") == 0


def test_a_broker_answers_only_to_its_password_and_ends_with_its_block() -> None:
    with broker() as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        with redis.Redis(port=port, retry=AT_ONCE) as anonymous, pytest.raises(redis.AuthenticationError):
            anonymous.ping()
    with redis.Redis.from_url(url, retry=AT_ONCE) as late, pytest.raises(redis.ConnectionError):
        late.ping()
