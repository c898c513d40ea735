"""A process to be killed: it lets the hub receive the same bank's callbacks over and over, until somebody ends it."""

from __future__ import annotations

import sys
from datetime import datetime

from sqlalchemy.orm import sessionmaker

from payment_hub.domain.banks.values import CallbackRequest
from payment_hub.hub import Hub, connect
from payment_hub.operations.callbacks import receive_callback
from payment_hub.signing import Signer
from tests.worlds.banks import a_callback, sandbox_adapter
from tests.worlds.settings import SETTINGS


def callback_of(reference: str, at: datetime) -> CallbackRequest:
    """The one callback about an order, the same in every process."""
    return a_callback(reference, at, message_id=f"evt_{reference}", transaction_id=f"T{reference}")


def main(url: str, at: str, *references: str) -> None:
    """Receive one callback for each order, and say so when the first is about to come."""
    moment = datetime.fromisoformat(at)
    hub = Hub(
        engine=(engine := connect(url, pool=2)),
        sessions=sessionmaker(engine),
        adapters={"sandbox": sandbox_adapter()},
        now=lambda: moment,
        signer=Signer.of([b"k" * 32], [b"s" * 32]),
        settings=SETTINGS,
    )
    with engine.connect():
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    for reference in references:
        receive_callback(hub, bank="sandbox", request=callback_of(reference, moment))


if __name__ == "__main__":
    main(*sys.argv[1:])
