"""One process for all rails: finds their modules, gives each a desk, and serves them below ``/<rail>``."""

from __future__ import annotations

import pkgutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from bank_adapters import far_side as folder_of_rails
from bank_adapters.far_side.desk import Desk, FarSide, business_day
from bank_adapters.far_side.desk_courier import Courier
from bank_adapters.far_side.desk_doors import application

_POLL_SECONDS = 0.02  # how soon the listener notices that it shall end


@dataclass
class Rail:
    """One rail as it is served."""

    far_side: FarSide
    desk: Desk
    mode: str = "normal"
    """One of `desk_choices.MODES`."""
    asked: int = 0
    """How many requests its own addresses have had."""


class House:
    """All rails that one process serves. ``url`` is where it listens."""

    def __init__(
        self, rails: Sequence[type[FarSide]], url: str, hub_url: str, *, pace: float, statements: Path | None
    ) -> None:
        self.url, self.statements = url, statements
        self.slow_seconds = 15.0
        """How late an answer is in the mode slow: longer than a hub waits."""
        self.courier = Courier(pace)
        self.rails = {
            one.name: Rail(one(desk := Desk(), f"{url}/{one.name}", hub_url, one.name), desk) for one in rails
        }
        for rail in self.rails.values():
            rail.desk.courier = self.courier

    def drop_statement(self, rail: Rail, day: date) -> Path | None:
        """Put the rail's file of ``day`` where the hub looks for it; None when it has none."""
        paid = [one for one in rail.desk.payments() if one.paid_at and business_day(one.paid_at) == day]
        content = rail.far_side.statement(day, paid)
        if content is None or self.statements is None:
            return None
        file = self.statements / rail.far_side.name / f"{day.isoformat()}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_bytes(content.encode())
        unfinished.replace(file)
        return file

    def wait_until_told(self, seconds: float = 10.0) -> None:
        """Wait until every message was heard or given up. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while self.courier.owes():
            if time.monotonic() > deadline:
                raise TimeoutError("the far side still owes messages")
            time.sleep(0.005)


def found_rails() -> list[type[FarSide]]:
    """Every rail that has a module here, by name."""
    modules = [one for one in pkgutil.iter_modules(folder_of_rails.__path__) if not one.ispkg]
    names = sorted(one.name for one in modules if not one.name.startswith(("desk", "__")))
    loaded = [import_module(f"{folder_of_rails.__name__}.{name}") for name in names]
    return [module.FAR_SIDE for module in loaded if hasattr(module, "FAR_SIDE")]


def settings_of(rails: Sequence[type[FarSide]], url: str, folder: Path) -> dict[str, dict[str, str]]:
    """Each rail's section of the hub's settings, by name. ``url`` is where all are served; each has a folder of its own
    below ``folder``, which is made."""
    sections = {}
    for rail in rails:
        own = folder / rail.name
        own.mkdir(parents=True, exist_ok=True)
        sections[rail.name] = rail.settings(f"{url}/{rail.name}", own)
    return sections


@contextmanager
def serve(
    hub_url: str,
    *,
    pace: float = 1.0,
    rails: Sequence[type[FarSide]] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    statements: Path | None = None,
) -> Iterator[House]:
    """Serve ``rails`` (all that are found) in threads of this process; ``port`` 0 takes a free one, ``pace`` divides
    every wait."""
    server = make_server(host, port, _nobody, threaded=True, request_handler=_Quiet)
    url = f"http://{host}:{server.server_port}"
    house = House(found_rails() if rails is None else rails, url, hub_url, pace=pace, statements=statements)
    server.app = application(house)
    listener = threading.Thread(
        target=server.serve_forever, args=(_POLL_SECONDS,), name="far-side", daemon=True
    )
    listener.start()
    house.courier.start()
    try:
        yield house
    finally:
        server.shutdown()
        listener.join()
        house.courier.stop()
        server.server_close()


def _nobody(environ: object, start_response: object) -> list[bytes]:
    """Stands in until the address, and with it the application, is known."""
    del environ, start_response
    return []


class _Quiet(WSGIRequestHandler):
    """No access log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return
