"""The contract of every bank: its name, its settings, its profile, and the opening of a payment."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest
import responses

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.toolkit.emv_qr import read_qr
from payment_hub.domain.banks import port
from payment_hub.domain.banks.port import BankAdapter
from payment_hub.domain.banks.profile import PaymentMethod
from payment_hub.domain.banks.values import Instructions, Outcome
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import PUBLIC_URL, a_request
from tests.banks.faults import FAILURES, Failing, refuses

#: The small protocols of the port, by name.
ABILITIES = {
    name: ability
    for name, ability in vars(port).items()
    if getattr(ability, "_is_runtime_protocol", False) and name != "BankAdapter"
}


class BankContract:
    """Every bank's test class inherits this and fills in the hooks above the line."""

    bank: ClassVar[str]
    """The module's name."""
    required: ClassVar[frozenset[str]]
    """The settings without which the bank cannot be built, as they stand in the environment."""
    opens_at: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Method and address of what ``open_payment`` calls; none for a bank that hears of it from the citizen alone."""

    def section(self, folder: Path) -> dict[str, str]:
        """The settings of a bank that works; every name that holds a secret has SECRET or KEY in it."""
        raise NotImplementedError

    def opening_answer(self) -> Any:
        """The bank's good answer to ``a_request()``, as ``Failing`` takes it; needed with ``opens_at``."""
        raise NotImplementedError

    def unbelievable_openings(self) -> dict[str, Any]:
        """Answers that must not be believed (another payment's, a wrong signature), by what is wrong with them."""
        return {}

    # ------------------------------------------------------------------------------------------------

    def test_its_module_is_its_protocol(self, adapter: BankAdapter) -> None:
        assert isinstance(adapter, BankAdapter)
        assert type(adapter).__module__ == f"bank_adapters.{self.bank}"
        assert adapter.code == self.bank

    def test_two_names_can_speak_its_protocol(self, tmp_path: Path) -> None:
        section = {"PROTOCOL": self.bank, **self.section(tmp_path)}
        adapters = load_adapters(
            ["one_account", "other_account"], dict.fromkeys(["one_account", "other_account"], section)
        )
        assert {name: adapter.code for name, adapter in adapters.items()} == {
            "one_account": "one_account",
            "other_account": "other_account",
        }

    def test_every_missing_setting_is_named_at_once(self) -> None:
        with pytest.raises(BankSettingsError) as refusal:
            load_adapters([self.bank], {}, "")
        assert set(refusal.value.missing) == self.required

    def test_it_shows_no_secret(self, adapter: BankAdapter, tmp_path: Path) -> None:
        secrets = [text for name, text in self.section(tmp_path).items() if self.is_secret(name)]
        shown = f"{adapter!r} {adapter}"
        assert not [secret for secret in secrets if secret in shown]

    def test_secrets_may_stand_in_files(self, tmp_path: Path) -> None:
        section = self.section(tmp_path)
        for name in [name for name in section if self.is_secret(name)]:
            (tmp_path / name).write_text(section.pop(name) + "\n")
            section[f"{name}_FILE"] = str(tmp_path / name)
        assert load_adapters([self.bank], {self.bank: section}, PUBLIC_URL)[self.bank].code == self.bank

    def test_its_profile_says_what_it_rests_on(self, adapter: BankAdapter) -> None:
        profile = adapter.profile
        assert profile.title
        assert profile.methods
        assert profile.facts
        assert all(fact.what and fact.source for fact in profile.facts)

    def test_every_word_it_knows_means_an_outcome(self) -> None:
        words = getattr(import_module(f"bank_adapters.{self.bank}"), "OUTCOMES", None)
        if words is None:  # a bank that tells nothing but by its statement has no words
            assert not {"TakesCallbacks", "CanQuery"} & {
                name for name, it in ABILITIES.items() if issubclass(self.kind(), it)
            }
        else:
            assert {Outcome.PAID} <= set(words.values()) <= set(Outcome)

    def test_it_is_asked_about_every_ability_that_it_has(self) -> None:
        asked = {name.removesuffix("Contract") for base in type(self).__mro__ for name in [base.__name__]}
        needed = {
            "Callback": "TakesCallbacks",
            "Return": "ReadsReturns",
            "Query": "CanQuery",
            "Statement": "HasStatement",
            "Cancel": "CanCancel",
            "Capture": "CanCapture",
            "Refund": "CanRefund",
            "RefundQuery": "CanQueryRefund",
            "Inquiry": "CanAnswerInquiry",
        }
        has = {name for name, ability in needed.items() if issubclass(self.kind(), ABILITIES[ability])}
        assert asked & set(needed) == has

    def test_it_tells_the_payer_how_to_pay(self, adapter: BankAdapter) -> None:
        given = self.opened(adapter)
        fields = {
            PaymentMethod.QR: given.qr_text,
            PaymentMethod.PAGE: given.page_url,
            PaymentMethod.APP_LINK: given.app_link,
            PaymentMethod.BILL: given.bill_code,
        }
        assert {way for way, how in fields.items() if how} == set(adapter.profile.methods)
        if given.qr_text and given.qr_text.startswith("0002"):
            assert read_qr(given.qr_text).amount == a_request().amount

    def test_the_same_attempt_is_opened_alike(self, adapter: BankAdapter) -> None:
        assert self.opened(adapter) == self.opened(adapter)

    def test_what_its_protocol_cannot_carry_never_leaves(self, adapter: BankAdapter) -> None:
        limits, request = adapter.profile.limits, a_request()
        unfit: dict[str, dict[str, Any]] = {
            "too little": {"amount": dong(limits.smallest.minor - 1)},
            "too much": {"amount": dong(limits.largest.minor + 1)},
            "another alphabet": {
                "attempt_reference": "\u0110V-1",
                "order_reference": "\u0110V",
                "description": "\u0110V",
            },
            "too long": {
                "attempt_reference": "D" * 300,
                "order_reference": "D" * 300,
                "description": "D" * 3000,
            },
        }
        if limits.shortest > timedelta(0):
            unfit["too late"] = {"expires_at": request.started_at + limits.shortest - timedelta(seconds=1)}
        for why, changes in unfit.items():
            with responses.RequestsMock():
                assert refuses(Malformed, partial(adapter.open_payment, a_request(**changes))), why

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_opening_is_never_a_guess(self, adapter: BankAdapter, failure: str) -> None:
        if not self.opens_at:
            with responses.RequestsMock():  # it calls nobody, so nothing can fail
                adapter.open_payment(a_request())
            return
        with Failing(self.opens_at, FAILURES[failure]), pytest.raises(BankUnavailable):
            adapter.open_payment(a_request())

    def test_an_unbelievable_answer_is_no_answer(self, adapter: BankAdapter) -> None:
        for why, answer in self.unbelievable_openings().items():
            with Failing(self.opens_at, answer):
                assert refuses(BankUnavailable, lambda: adapter.open_payment(a_request())), why

    # ------------------------------------------------------------------------------------------------

    def kind(self) -> type[BankAdapter]:
        """The adapter's class: the one of its module that opens payments."""
        module = import_module(f"bank_adapters.{self.bank}")
        kinds: list[Any] = [
            it
            for it in vars(module).values()
            if dataclasses.is_dataclass(it) and isinstance(it, type) and hasattr(it, "open_payment")
        ]
        (kind,) = kinds
        adapter: type[BankAdapter] = kind
        return adapter

    def is_secret(self, name: str) -> bool:
        """Whether a setting holds a secret, by its own declaration."""
        settings = import_module(f"bank_adapters.{self.bank}").Settings
        return any(
            field.name.upper() == name and field.metadata["secret"] for field in dataclasses.fields(settings)
        )

    def built(self, section: dict[str, str]) -> Any:
        """The adapter from a section of settings."""
        return load_adapters([self.bank], {self.bank: section}, PUBLIC_URL)[self.bank]

    def opened(self, adapter: BankAdapter) -> Instructions:
        """The instructions for ``a_request()`` from a bank that answers."""
        if not self.opens_at:
            return adapter.open_payment(a_request())
        with Failing(self.opens_at, self.opening_answer()):
            return adapter.open_payment(a_request())

    @pytest.fixture
    def adapter(self, tmp_path: Path) -> Any:
        return self.built(self.section(tmp_path))
