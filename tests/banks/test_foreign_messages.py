"""A genuine message of one bank is refused by every other bank, and one account's by every other account."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import bank_adapters
from bank_adapters import load_adapters
from payment_hub.domain.banks.port import TakesCallbacks
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.banks.contract import CallbackContract
from tests.banks.examples import PUBLIC_URL


def _protocols() -> list[str]:
    folder = Path(next(iter(bank_adapters.__path__)))
    return sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")


def _contract_of(bank: str) -> CallbackContract | None:
    """The contract in the bank's own test; None when the bank sends no callbacks."""
    module = import_module(f"tests.banks.test_{bank}")
    contracts = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, CallbackContract) and getattr(kind, "bank", "") == bank
    ]
    return contracts[0]() if contracts else None


CONTRACTS = {bank: contract for bank in _protocols() if (contract := _contract_of(bank)) is not None}


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every bank that calls back, on the settings of its own test."""
    sections = {bank: contract.section(tmp_path_factory.mktemp(bank)) for bank, contract in CONTRACTS.items()}
    return dict(load_adapters(list(sections), sections, PUBLIC_URL))


def accepts(adapter: TakesCallbacks, message: CallbackRequest) -> bool:
    """Whether the adapter takes it for its own."""
    try:
        adapter.read_callback(message)
    except (CallbackRejected, Malformed):
        return False
    return True


def test_every_protocol_but_those_without_callbacks_is_contract_of() -> None:
    silent = {bank for bank in _protocols() if bank not in CONTRACTS}
    for bank in silent:
        kinds = [
            kind for kind in vars(import_module(f"bank_adapters.{bank}")).values() if isinstance(kind, type)
        ]
        assert not any(hasattr(kind, "read_callback") for kind in kinds), bank
    assert len(CONTRACTS) >= 15


@pytest.mark.parametrize("bank", CONTRACTS)
def test_no_other_bank_accepts_it(bank: str, adapters: dict[str, Any]) -> None:
    message = CONTRACTS[bank].callback(Outcome.PAID)
    assert [other for other, adapter in adapters.items() if accepts(adapter, message)] == [bank]


@pytest.mark.parametrize("bank", CONTRACTS)
def test_another_account_of_the_same_protocol_refuses_it(bank: str, tmp_path: Path) -> None:
    contract = CONTRACTS[bank]
    section = contract.section(tmp_path)
    keys = {name: contract.other_secret(section[name]) for name in contract.secret_names}
    accounts = load_adapters(
        ["hanoi", "hue"],
        {"hanoi": {"PROTOCOL": bank, **section}, "hue": {"PROTOCOL": bank, **section, **keys}},
        PUBLIC_URL,
    )
    message = contract.callback(Outcome.PAID)
    assert [name for name, one in accounts.items() if accepts(one, message)] == ["hanoi"]  # type: ignore[arg-type]
