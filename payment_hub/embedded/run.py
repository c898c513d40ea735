"""The whole hub as processes: database, broker, sandbox bank, trial banks, worker, beat and web server.

They start in this order and stop in the opposite one, so that nobody loses what it leans on: the web
server stops taking requests first, the database stops last.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import requests

from payment_hub.embedded import child
from payment_hub.embedded.broker import start_broker
from payment_hub.embedded.child import Child, Plan
from payment_hub.embedded.environment import (
    BROKER_URL,
    DATABASE_URL,
    Addresses,
    as_shell,
    environment,
    given,
    keep_secrets,
    settings,
    write_private,
)
from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.instance import SOURCES, Instance, claimed
from payment_hub.embedded.ports import ANY, LOOPBACK, reserved_port
from payment_hub.embedded.postgres import start_postgres, stop_postgres
from payment_hub.embedded.simulators import SIMULATORS, simulator_settings

WEB_PORT, BANK_PORT, SIMULATORS_PORT = 8000, 8001, 8002
"""Taken when they are free."""

THREADS = 4
"""Of each web process. They share its database connections, so more would only wait."""

SECONDS_TO_START = 90


@dataclass(frozen=True)
class RunningHub:
    """A running hub: its addresses, its folder, its settings, what its processes were told, and the processes."""

    addresses: Addresses
    instance: Instance
    with_simulators: bool
    settings: dict[str, str]
    environment: dict[str, str]
    children: list[Child] = field(default_factory=list)

    def check_alive(self) -> None:
        """Raise `EmbeddedError`, with the end of its log, if any process has ended."""
        for process in self.children:
            process.check_alive()


@contextmanager
def running(
    name: str = "run",
    *,
    fresh: bool = False,
    with_simulators: bool = True,
    port: int | None = None,
    bank_port: int | None = None,
) -> Iterator[RunningHub]:
    """The whole hub for the block: ready when it begins, nothing left of it when it ends.

    `name` tells the instance (its data are found again under the same name), `fresh` begins it with an
    empty database and a bank that remembers nothing, `with_simulators` says whether every other bank
    can be tried beside the sandbox; without a port the usual one is taken, or any if another has it.
    Raises `EmbeddedError` with the log of whoever did not start.
    """
    with ExitStack() as stack:
        instance = stack.enter_context(claimed(name))
        if fresh:
            shutil.rmtree(instance.postgres, ignore_errors=True)
            instance.bank.unlink(missing_ok=True)
        web = stack.enter_context(reserved_port(port) if port else reserved_port(WEB_PORT, ANY))
        bank = stack.enter_context(reserved_port(bank_port) if bank_port else reserved_port(BANK_PORT, ANY))
        simulators = stack.enter_context(reserved_port(SIMULATORS_PORT, ANY))
        hub = _servers(stack, instance, web, bank, simulators, with_simulators=with_simulators)
        _offer_to_shell(stack, hub)
        child.run(_plan(hub, "migrate", "flask", "--app", "wsgi", "hub", "migrate"))
        for plan in _plans(hub):
            process = child.start(plan)
            stack.callback(process.stop)
            hub.children.append(process)
        _wait_until_ready(hub)
        yield hub


def _servers(stack: ExitStack, instance: Instance, *ports: int, with_simulators: bool) -> RunningHub:
    """Start the database and the broker, unless the caller brought them."""
    children = []
    database_url, broker_url = given(DATABASE_URL), given(BROKER_URL)
    if database_url is None:
        database = start_postgres(instance.postgres, log=instance.log("postgres"))
        stack.callback(stop_postgres, database)
        database_url = database.url
        children.append(database.child)
    if broker_url is None:
        broker = start_broker(instance.folder, log=instance.log("broker"))
        stack.callback(broker.child.stop)
        broker_url = broker.url
        children.append(broker.child)
    web_url, bank_url, simulators_url = (f"http://{LOOPBACK}:{port}" for port in ports)
    drops = instance.ledger_drop, instance.statement_drop
    addresses = Addresses(database_url, broker_url, web_url, bank_url, simulators_url, *drops)
    simulators = simulator_settings(simulators_url, instance.statement_drop) if with_simulators else {}
    told = settings(addresses, keep_secrets(instance.secrets), simulators)
    return RunningHub(addresses, instance, with_simulators, told, environment(told), children)


def _plans(hub: RunningHub) -> list[Plan]:
    """Our own processes, in the order in which they start."""
    cores = str(os.cpu_count() or 1)
    there = hub.addresses
    web_port, bank_port, simulators_port = (
        url.rpartition(":")[2] for url in (there.web_url, there.bank_url, there.simulators_url)
    )
    memory = ("--state", str(hub.instance.bank))
    told = ("--hub", there.web_url, "--statements", str(there.statement_drop))
    schedule = str(hub.instance.folder / "beat-schedule")
    celery = ("celery", "--app", "wsgi:celery")
    messengers = ("--pool", "threads", "--concurrency", "4", "--hostname", "messenger@%h")
    alone = ("--without-gossip", "--without-mingle")  # both are for workers that watch each other
    granian = ("granian", "--interface", "wsgi", "--host", LOOPBACK, "--port", web_port)
    size = ("--workers", cores, "--blocking-threads", str(THREADS))
    mortal = ("--workers-kill-timeout", "5")  # granian waits for ever for a worker that it stops too early
    simulators = (
        [_plan(hub, "simulators", SIMULATORS, "--port", simulators_port, *told)]
        if hub.with_simulators
        else []
    )
    return [
        _plan(hub, "bank", "bank_adapters.simulators.sandbox", "--port", bank_port, *memory),
        *simulators,
        _plan(hub, "worker", *celery, "worker", "--concurrency", cores, *alone),
        _plan(hub, "messenger", *celery, "worker", "--queues", "messenger", *messengers, *alone),
        _plan(hub, "beat", *celery, "beat", "--schedule", schedule, "--pidfile", ""),
        _plan(hub, "web", *granian, *size, *mortal, "wsgi:application"),
    ]


def _plan(hub: RunningHub, name: str, *module_and_arguments: str) -> Plan:
    command = [sys.executable, "-m", *module_and_arguments]
    return Plan(name, command, folder=SOURCES, log=hub.instance.log(name), environment=hub.environment)


def _offer_to_shell(stack: ExitStack, hub: RunningHub) -> None:
    """Leave the settings in a file for a shell, as long as they are true."""
    write_private(hub.instance.environment, as_shell(hub.environment, hub.settings))
    stack.callback(hub.instance.environment.unlink, missing_ok=True)


def _wait_until_ready(hub: RunningHub) -> None:
    """Wait until the hub itself says that it can work."""
    deadline = time.monotonic() + SECONDS_TO_START
    answer = "no answer"
    while time.monotonic() < deadline:
        hub.check_alive()
        try:
            response = requests.get(f"{hub.addresses.web_url}/health/ready", timeout=5)
        except requests.RequestException as error:
            answer = str(error)
        else:
            if response.status_code == requests.codes.ok:
                return
            answer = f"{response.status_code} {response.text}"
        time.sleep(0.1)
    last_words = hub.children[-1].last_words()
    raise EmbeddedError(f"the hub is not ready after {SECONDS_TO_START} s: {answer}\n{last_words}")
