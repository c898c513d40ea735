"""The counter of an agency's receipts is where its payments wait for each other, so it is taken last."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from sqlalchemy import text

from payment_hub.hub import Hub
from payment_hub.operations.callbacks import receive_callback
from tests.worlds.banks import a_callback, sandbox_adapter
from tests.worlds.orders import a_portal, an_agency, an_order

_WAITS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)

#: A sequence moves when a row is made, whether or not it is committed yet.
_DRAWN = text(
    """SELECT pg_sequence_last_value('confirmation_id_seq'), pg_sequence_last_value('collection_id_seq'),
    pg_sequence_last_value('posting_id_seq')"""
)


def test_everything_else_is_written_before_a_payment_waits_for_its_receipts_number(hub: Hub) -> None:
    hub = replace(hub, adapters={"sandbox": sandbox_adapter()})
    agency, portal = an_agency(hub), a_portal(hub)
    first, second = an_order(hub, agency, portal), an_order(hub, agency, portal)
    receive_callback(hub, bank="sandbox", request=a_callback(first["reference"], hub.now()))
    with ThreadPoolExecutor(1) as payer:
        with hub.transaction() as session:
            before = session.execute(_DRAWN).one()
            session.execute(text("SELECT last FROM receipt_counter FOR UPDATE"))
            told = a_callback(second["reference"], hub.now())
            paid = payer.submit(partial(receive_callback, hub, bank="sandbox", request=told))
            for _ in range(400):
                if session.execute(_WAITS).scalar_one():
                    break
                time.sleep(0.01)
            assert session.execute(_WAITS).scalar_one() == 1
            written = session.execute(_DRAWN).one()
        assert paid.result().status == 200
    assert [after - was for after, was in zip(written, before, strict=True)] == [1, 1, 1]
