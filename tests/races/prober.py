"""A process that asks a resting bank when it is told to, and says whether it was let through."""

from __future__ import annotations

import sys
import time
from datetime import datetime

from sqlalchemy.orm import sessionmaker

from payment_hub.domain.banks.health import BankOperation
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub, connect
from payment_hub.operations.banks import call_bank
from payment_hub.signing import Signer
from tests.worlds.banks import StandInBank
from tests.worlds.settings import SETTINGS


def main(url: str, at: str) -> None:
    """Be ready, wait for a word, and ask; the bank takes a second to answer."""
    moment, engine = datetime.fromisoformat(at), connect(url, pool=1)
    hub = Hub(
        engine=engine,
        sessions=sessionmaker(engine),
        adapters={"one": StandInBank()},
        now=lambda: moment,
        signer=Signer.of([b"k" * 32], [b"s" * 32]),
        settings=SETTINGS,
    )
    with engine.connect():
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    sys.stdin.readline()
    try:
        call_bank(hub, bank="one", operation=BankOperation.OPEN, call=lambda: time.sleep(1))
        said = "asked"
    except BankUnavailable as refused:
        said = type(refused).__name__
    sys.stdout.write(said)


if __name__ == "__main__":
    main(*sys.argv[1:])
