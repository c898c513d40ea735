"""``make demo``: the whole hub is started, the scenario runs on it, and everything is stopped again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from celery import Celery

from payment_hub.commands.group import allow_any_encoding, operator
from payment_hub.demo.callers import Caller, DemoFailed, wait_for
from payment_hub.demo.data import AGENCIES
from payment_hub.demo.portal import Portal, running_portal
from payment_hub.demo.scenario import Scenario
from payment_hub.domain.access import Role
from payment_hub.domain.calendar import business_day
from payment_hub.embedded.run import RunningHub, running
from payment_hub.hub import Hub, utc_now
from payment_hub.operations.access import add_agency, add_portal, make_key
from payment_hub.operations.health import check_invariants
from payment_hub.operations.ledger import trial_balance
from payment_hub.settings import Settings


def main() -> None:
    """Run the scenario. Raises DemoFailed when anything does not happen as it should."""
    allow_any_encoding()
    began = time.monotonic()
    print("Starting PostgreSQL, the broker, the sandbox bank, the workers and the web server ...")
    with running("demo", fresh=True, with_simulators=False) as started, running_portal() as portal:
        hub = Hub.of(Settings.from_environ(started.environment), {}, utc_now)
        scenario = _prepare(hub, started, portal)
        _show(
            "Agencies register what is owed, the portal asks for payment orders", scenario.register_and_issue
        )
        _show("Citizens pay at the bank", scenario.pay)
        _show("The portal has its webhooks, and there are receipts", scenario.receive_webhooks)
        _show(
            "The agencies deliver their ledgers of the day",
            lambda: scenario.deliver_ledgers(business_day(utc_now())),
        )
        _show("The night: hub, bank and agencies are compared", lambda: _night(started, scenario))
        _show("Is everything right?", lambda: _check(hub))
        _farewell(started, time.monotonic() - began)
        hub.engine.dispose()


def _show(title: str, step: Callable[[], None]) -> None:
    print(f"\n== {title} ==\n")
    step()


def _prepare(hub: Hub, started: RunningHub, portal: Portal) -> Scenario:
    url = started.addresses.web_url
    for agency in AGENCIES.values():
        account = agency.account
        add_agency(
            hub,
            code=agency.code,
            name=agency.name,
            account_number=account["account_number"],
            account_bank=account["bank"],
            account_name=account["account_name"],
            receipt_series=agency.series,
        )
    add_portal(hub, code="dvc", name="Cổng Dịch vụ công", webhook_url=portal.url)
    portal.public_key = hub.signer.public_keys()[0]
    keys = {
        code: Caller(url, make_key(hub, role=Role.AGENCY, holder=f"system of {code}", agency_code=code))
        for code in AGENCIES
    }
    return Scenario(
        agencies=keys,
        portal_system=Caller(
            url, make_key(hub, role=Role.PORTAL, holder="system of the portal", portal_code="dvc")
        ),
        officer=Caller(url, make_key(hub, role=Role.OFFICER, holder="finance officer")),
        portal=portal,
        bank_url=started.addresses.sandbox_url,
        ledger_drop=started.addresses.ledger_drop,
    )


def _night(started: RunningHub, scenario: Scenario) -> None:
    """Start the night of today, wait for its runs, and list its discrepancies as an officer does."""
    day = business_day(utc_now())
    clock = Celery(broker=started.addresses.broker_url)
    clock.send_task("night.reconcile_night", kwargs={"day": day.isoformat()})
    clock.close()

    def committed() -> list[Any] | None:
        runs = scenario.officer.get("/v1/reconciliation/runs", day_from=day.isoformat())["items"]
        return runs if runs and all(run["state"] in ("COMMITTED", "FAILED") for run in runs) else None

    for run in wait_for("the night's runs", committed):
        print(f"  run {run['number']:>2}  {run['scope']:<20} {run['state']}")
    discrepancies = scenario.officer.get("/v1/reconciliation/discrepancies")["items"]
    print(f"\n  {len(discrepancies)} discrepancies, each with a sentence for the officer:\n")
    for discrepancy in discrepancies:
        print(f"  - {discrepancy['explanation']['vi']['what']}")
        print(f"    {discrepancy['explanation']['en']['what']}")
    if not discrepancies:
        raise DemoFailed("the night found nothing, although discrepancies were put there")


def _check(hub: Hub) -> None:
    violations = check_invariants(hub)
    if violations:
        raise DemoFailed(f"broken invariants: {violations}")
    today = business_day(utc_now())
    print(f"  {'account':<16}{'agency':<10}{'debit':>16}{'credit':>16}")
    for line in trial_balance(hub, caller=operator(), day_from=today, day_to=today):
        print(f"  {line.account:<16}{line.agency or '-':<10}{line.debit.minor:>16,}{line.credit.minor:>16,}")
    print("  all invariants of money hold")


def _farewell(started: RunningHub, seconds: float) -> None:
    print(f"\nThat took {seconds:.0f} s. Logs of every process: {started.instance.folder}/logs")
    print(
        "Next: `make run` keeps the hub running; README.md has the first API call; docs/walk.md walks the code."
    )
