"""One process for all banks: finds their modules, gives each a simulator, and serves them below ``/<bank>``."""

from __future__ import annotations

import pkgutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from importlib import import_module
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from bank_adapters import simulators as package
from bank_adapters.simulators.callbacks import CallbackSender
from bank_adapters.simulators.routes import application
from bank_adapters.simulators.simulator import Book, Simulator, business_day

_POLL_SECONDS = 0.02  # how soon the listener notices that it shall end


class SimulatorServer:
    """All banks that one process serves. ``url`` is where it listens."""

    def __init__(
        self,
        simulators: Sequence[type[Simulator]],
        url: str,
        hub_url: str,
        *,
        pace: float,
        statements: Path | None,
    ) -> None:
        self.url, self.statements = url, statements
        self.slow_seconds = 15.0
        """How late an answer is in the mode slow: longer than a hub waits."""
        self.sender = CallbackSender(pace)
        self.banks = {one.name: one(Book(), f"{url}/{one.name}", hub_url, one.name) for one in simulators}
        for simulator in self.banks.values():
            simulator.book.sender = self.sender

    def drop_statement(self, simulator: Simulator, day: date) -> Path | None:
        """Put the bank's file of ``day`` where the hub looks for it; None when it has none."""
        paid = [one for one in simulator.book.payments() if one.paid_at and business_day(one.paid_at) == day]
        content = simulator.statement(day, paid)
        if content is None or self.statements is None:
            return None
        file = self.statements / simulator.name / f"{day.isoformat()}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_bytes(content.encode())
        unfinished.replace(file)
        return file

    def wait_until_delivered(self, seconds: float = 10.0) -> None:
        """Wait until every message was heard or given up. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while self.sender.pending():
            if time.monotonic() > deadline:
                raise TimeoutError("the simulators still have callbacks to deliver")
            time.sleep(0.005)


def find_simulators() -> list[type[Simulator]]:
    """Every bank that has a module here, by name."""
    modules = [one for one in pkgutil.iter_modules(package.__path__) if not one.ispkg]
    names = sorted(one.name for one in modules if not one.name.startswith("__"))
    loaded = [import_module(f"{package.__name__}.{name}") for name in names]
    return [module.SIMULATOR for module in loaded if hasattr(module, "SIMULATOR")]


def settings_of(simulators: Sequence[type[Simulator]], url: str, folder: Path) -> dict[str, dict[str, str]]:
    """Each bank's section of the hub's settings, by name. ``url`` is where all are served; each has a folder of its own
    below ``folder``, which is made."""
    sections = {}
    for simulator in simulators:
        own = folder / simulator.name
        own.mkdir(parents=True, exist_ok=True)
        sections[simulator.name] = simulator.settings(f"{url}/{simulator.name}", own)
    return sections


@contextmanager
def serve(
    hub_url: str,
    *,
    pace: float = 1.0,
    simulators: Sequence[type[Simulator]] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    statements: Path | None = None,
) -> Iterator[SimulatorServer]:
    """Serve ``simulators`` (all that are found) in threads of this process. ``port`` 0 takes a free one; ``pace``
    divides every wait."""
    listener = make_server(host, port, _nobody, threaded=True, request_handler=_Quiet)
    url = f"http://{host}:{listener.server_port}"
    server = SimulatorServer(
        find_simulators() if simulators is None else simulators,
        url,
        hub_url,
        pace=pace,
        statements=statements,
    )
    listener.app = application(server)
    thread = threading.Thread(
        target=listener.serve_forever, args=(_POLL_SECONDS,), name="simulators", daemon=True
    )
    thread.start()
    server.sender.start()
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        server.sender.stop()
        listener.server_close()


def _nobody(environ: object, start_response: object) -> list[bytes]:
    """Stands in until the address, and with it the application, is known."""
    del environ, start_response
    return []


class _Quiet(WSGIRequestHandler):
    """No access log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return
