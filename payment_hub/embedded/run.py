"""The whole hub as processes: database, broker, simulators, workers, beat and web server.

They start in this order and stop in the opposite one, so that each stops before what it needs: the web server stops
taking requests first, the database stops last.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import requests

from payment_hub.embedded.broker import start_broker
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
from payment_hub.embedded.postgres import running_postgres
from payment_hub.embedded.process import Program, Supervisor, run_once, supervised
from payment_hub.embedded.simulators import SANDBOX, SIMULATORS, simulator_settings

WEB_PORT, SIMULATORS_PORT = 8000, 8001
"""Taken when they are free."""

THREADS = 4
"""Of each web process. They share its database connections, so more would only wait."""

SECONDS_TO_START = 90


@dataclass(frozen=True)
class RunningHub:
    """A running hub: its addresses, its folder, its settings, the whole environment of its processes."""

    addresses: Addresses
    instance: Instance
    with_simulators: bool
    settings: dict[str, str]
    environment: dict[str, str]
    supervisor: Supervisor

    def check(self) -> None:
        """Raise `EmbeddedError`, with the end of its log, if a process ends again and again."""
        self.supervisor.check()


@contextmanager
def running(
    name: str = "run",
    *,
    fresh: bool = False,
    with_simulators: bool = True,
    port: int | None = None,
    simulators_port: int | None = None,
) -> Iterator[RunningHub]:
    """The whole hub for the block: ready when it begins, nothing left of it when it ends.

    `name` names the instance (its data are there again under the same name), `fresh` begins it with an empty database
    and an empty sandbox bank, `with_simulators` adds a simulator of every other bank; without a port the usual one is
    taken, or any if that is in use. A process that dies is replaced.
    Raises `EmbeddedError` with the log of the process that did not start.
    """
    with ExitStack() as stack:
        instance = stack.enter_context(claimed(name))
        if fresh:
            shutil.rmtree(instance.postgres, ignore_errors=True)
            shutil.rmtree(instance.banks, ignore_errors=True)
        instance.banks.mkdir(mode=0o700, exist_ok=True)
        web = stack.enter_context(reserved_port(port) if port else reserved_port(WEB_PORT, ANY))
        simulators = stack.enter_context(
            reserved_port(simulators_port) if simulators_port else reserved_port(SIMULATORS_PORT, ANY)
        )
        supervisor = stack.enter_context(supervised(instance.processes))
        hub = _with_servers(stack, supervisor, instance, web, simulators, with_simulators=with_simulators)
        _offer_to_shell(stack, hub)
        run_once(_program(hub, "migrate", "flask", "--app", "wsgi", "hub", "migrate"))
        for program in _programs(hub):
            supervisor.start(program)
            stack.callback(supervisor.remove, program.name)
        _wait_until_ready(hub)
        yield hub


def _with_servers(
    stack: ExitStack, supervisor: Supervisor, instance: Instance, *ports: int, with_simulators: bool
) -> RunningHub:
    """Start the database and the broker, unless the caller brought them."""
    database_url, broker_url = given(DATABASE_URL), given(BROKER_URL)
    if database_url is None:
        postgres = running_postgres(supervisor, instance.postgres, log=instance.log("postgres"))
        database_url = stack.enter_context(postgres).url
    if broker_url is None:
        broker_url = start_broker(supervisor, instance.folder, log=instance.log("broker"))
    web_url, simulators_url = (f"http://{LOOPBACK}:{port}" for port in ports)
    drops = instance.ledger_drop, instance.statement_drop
    addresses = Addresses(database_url, broker_url, web_url, simulators_url, *drops)
    only = () if with_simulators else (SANDBOX,)
    banks = simulator_settings(simulators_url, instance.statement_drop, only)
    own = settings(addresses, keep_secrets(instance.secrets), banks)
    return RunningHub(addresses, instance, with_simulators, own, environment(own), supervisor)


def _programs(hub: RunningHub) -> list[Program]:
    """Our own processes, in the order in which they start."""
    cores = str(os.cpu_count() or 1)
    addresses = hub.addresses
    web_port, simulators_port = (
        url.rpartition(":")[2] for url in (addresses.web_url, addresses.simulators_url)
    )
    hub_and_files = ("--hub", addresses.web_url, "--statements", str(addresses.statement_drop))
    memory = ("--state", str(hub.instance.banks))
    only = () if hub.with_simulators else ("--only", SANDBOX)
    schedule = str(hub.instance.folder / "beat-schedule")
    celery = ("celery", "--app", "wsgi:celery")
    messengers = ("--pool", "threads", "--concurrency", "4", "--hostname", "messenger@%h")
    alone = ("--without-gossip", "--without-mingle")  # both are for workers that watch each other
    granian = ("granian", "--interface", "wsgi", "--host", LOOPBACK, "--port", web_port)
    size = ("--workers", cores, "--blocking-threads", str(THREADS))
    # Granian ends with the first worker that dies, and waits for ever for a worker that it stops too early.
    mortal = ("--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "5")
    banks = (SIMULATORS, "--port", simulators_port, *hub_and_files, *memory, *only)
    return [
        _program(hub, "simulators", *banks),
        _program(hub, "worker", *celery, "worker", "--concurrency", cores, *alone),
        _program(hub, "messenger", *celery, "worker", "--queues", "messenger", *messengers, *alone),
        _program(hub, "beat", *celery, "beat", "--schedule", schedule, "--pidfile", ""),
        _program(hub, "web", *granian, *size, *mortal, "wsgi:application"),
    ]


def _program(hub: RunningHub, name: str, *module_and_arguments: str) -> Program:
    command = [sys.executable, "-m", *module_and_arguments]
    return Program(name, command, folder=SOURCES, log=hub.instance.log(name), environment=hub.environment)


def _offer_to_shell(stack: ExitStack, hub: RunningHub) -> None:
    """Leave the settings in a file for a shell, as long as they are true."""
    write_private(hub.instance.environment, as_shell(hub.environment, hub.settings))
    stack.callback(hub.instance.environment.unlink, missing_ok=True)


def _wait_until_ready(hub: RunningHub) -> None:
    """Wait until the hub itself reports that it can work."""
    deadline = time.monotonic() + SECONDS_TO_START
    answer = "no answer"
    while time.monotonic() < deadline:
        hub.supervisor.check(starting=True)
        try:
            response = requests.get(f"{hub.addresses.web_url}/health/ready", timeout=5)
        except requests.RequestException as error:
            answer = str(error)
        else:
            if response.status_code == requests.codes.ok:
                return
            answer = f"{response.status_code} {response.text}"
        time.sleep(0.1)
    log = _program(hub, "web").last_lines()
    raise EmbeddedError(f"the hub is not ready after {SECONDS_TO_START} s: {answer}\n{log}")
