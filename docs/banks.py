"""The page of banks: what each adapter can do, on which facts it rests and how it is set up, read from the adapters."""

from __future__ import annotations

import dataclasses
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time, timedelta
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import bank_adapters
from bank_adapters.toolkit.settings import Terms, describe
from docs.markdown import page, table
from payment_hub.domain.banks import port
from payment_hub.domain.banks.profile import BankProfile, Certainty, Limits, PaymentMethod
from payment_hub.domain.money import Money

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SETTINGS_HEAD: Final = ("name", "meaning", "default", "secret")

METHODS: Final = {
    PaymentMethod.QR: "a QR code",
    PaymentMethod.PAGE: "a page of the bank",
    PaymentMethod.APP_LINK: "a link into its app",
    PaymentMethod.BILL: "a bill code, entered at the bank",
}

#: Each small protocol of the port in words, in the order of the port.
ABILITIES: Final = {
    "TakesCallbacks": "calls back",
    "ReadsReturns": "signs the return of the browser",
    "CanQuery": "answers queries",
    "HasStatement": "statement",
    "CanCancel": "cancels",
    "CanCapture": "holds and captures",
    "CanRefund": "refunds",
    "CanQueryRefund": "answers queries about refunds",
    "CanAnswerInquiry": "inquires what is due",
    "CanFetchReceipt": "writes receipts",
}

CERTAINTIES: Final = {
    Certainty.REPRODUCED: "recomputed here, and equal to what the bank or an independent implementation published",
    Certainty.OFFICIAL: "an official page or package, or two independent implementations",
    Certainty.ONE_SOURCE: "one unofficial source",
    Certainty.HEARSAY: "no source, or our own assumption: always a setting, or nothing that money depends on",
}


@dataclass(frozen=True)
class Bank:
    """One module of ``bank_adapters``, as the page shows it."""

    name: str
    module: ModuleType

    @property
    def profile(self) -> BankProfile:
        """What its protocol can do."""
        profile: BankProfile = self.module.PROFILE
        return profile

    @property
    def abilities(self) -> list[str]:
        """What its adapter implements of the port, in words."""
        kind = _adapter_of(self.module)
        return [label for name, label in ABILITIES.items() if issubclass(kind, getattr(port, name))]


def every_bank() -> Iterator[Bank]:
    """Every protocol that has an adapter, by name."""
    for name in sorted(info.name for info in pkgutil.iter_modules(bank_adapters.__path__)):
        module = import_module(f"{bank_adapters.__name__}.{name}")
        if hasattr(module, "PROFILE"):
            yield Bank(name, module)


def banks_page() -> str:
    """``docs/banks.md``: a summary of all banks, then one chapter for each."""
    banks = list(every_bank())
    return page(
        "Banks",
        "A bank is a name in `HUB_ENABLED_BANKS`. It speaks the protocol of that name, or the one that\n"
        "`BANK_<NAME>_PROTOCOL` names, so that several accounts can share a protocol. What a protocol cannot do is\n"
        "missing from its line.",
        table(
            ("name", "protocol", "how it is paid", "abilities"),
            [
                (
                    f"[`{bank.name}`](#{bank.name})",
                    bank.profile.title,
                    _methods(bank.profile),
                    ", ".join(bank.abilities),
                )
                for bank in banks
            ],
        ),
        "How sure a fact is:",
        table(
            ("", "meaning"),
            [(f"**{certainty.value}**", meaning) for certainty, meaning in CERTAINTIES.items()],
        ),
        "Every bank has these settings for our contract with it, besides the settings of its protocol:",
        table(_SETTINGS_HEAD, _settings(Terms, "<name>")),
        *[chapter(bank) for bank in banks],
    )


def chapter(bank: Bank) -> str:
    """The chapter of one bank: its protocol, facts, codes and settings."""
    profile = bank.profile
    summary = [
        ("protocol", profile.title),
        ("how it is paid", _methods(profile)),
        ("abilities", ", ".join(bank.abilities) or "none but opening a payment"),
        ("callbacks", _callbacks(bank)),
        ("amounts", _span(profile.limits.smallest, profile.limits.largest)),
        ("deadline", _deadline(profile.limits)),
        *([("refunds", _refunds(profile.limits))] if ABILITIES["CanRefund"] in bank.abilities else []),
    ]
    facts = [(fact.what, fact.source, fact.certainty.value) for fact in profile.facts]
    parts = [
        f"## {bank.name}",
        _introduction(bank.module),
        table(("", ""), [(f"**{label}**", text) for label, text in summary]),
        "### Facts of `" + bank.name + "`",
        table(("fact", "source", "certainty"), facts),
    ]
    if profile.codes:
        codes = [(f"`{code}`", meaning) for code, meaning in profile.codes.items()]
        parts += [f"### Codes of `{bank.name}`", table(("code", "meaning"), codes)]
    parts += [
        f"### Settings of `{bank.name}`",
        table(_SETTINGS_HEAD, _settings(bank.module.Settings, bank.name)),
    ]
    return "\n\n".join(parts)


def _adapter_of(module: ModuleType) -> type[Any]:
    (kind,) = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__ and hasattr(kind, "open_payment")
    ]
    return kind


def _introduction(module: ModuleType) -> str:
    return " ".join((module.__doc__ or "").partition("\n\n")[0].split())


def _methods(profile: BankProfile) -> str:
    return ", ".join(METHODS[method] for method in profile.methods)


def _callbacks(bank: Bank) -> str:
    if ABILITIES["TakesCallbacks"] not in bank.abilities:
        return "none"
    return "signed" if bank.profile.signed else "not signed: only the sender is authenticated"


def _span(smallest: Money, largest: Money | None) -> str:
    if largest is None:
        return f"from {smallest.minor:,} dong to as much as was paid"
    return f"{smallest.minor:,} to {largest.minor:,} dong"


def _deadline(limits: Limits) -> str:
    shortest = f"at least {_time(limits.shortest)} away" if limits.shortest > timedelta(0) else ""
    longest = f"given to the bank as {_time(limits.longest)} at most" if limits.longest else ""
    return ", ".join(filter(None, [shortest, longest])) or "any"


def _refunds(limits: Limits) -> str:
    parts = "in parts too" if limits.part_refunds else "the whole amount alone"
    return f"{_span(limits.smallest_refund, limits.largest_refund)}, {parts}"


def _time(length: timedelta) -> str:
    for name, unit in (
        ("day", timedelta(days=1)),
        ("hour", timedelta(hours=1)),
        ("minute", timedelta(minutes=1)),
    ):
        count, rest = divmod(length, unit)
        if count and not rest:
            return f"{count} {name}" + ("s" if count > 1 else "")
    return f"{int(length.total_seconds())} seconds"


def _settings(settings: type[DataclassInstance], bank: str) -> Iterator[tuple[str, ...]]:
    defaults = {f"BANK_{bank.upper()}_{it.name.upper()}": it.default for it in dataclasses.fields(settings)}
    for name, meaning, _, secret in describe(settings, bank):
        yield f"`{name}`", meaning, _default(defaults[name]), "yes" if secret else ""


def _default(default: object) -> str:
    """As it would stand in the environment."""
    if default is dataclasses.MISSING:
        return "required"
    if default is None:
        return "none"
    if isinstance(default, bool):
        return f"`{int(default)}`"
    written = f"{default:%H:%M}" if isinstance(default, time) else f"{default}"
    return f"`{written}`" if len(written) <= 80 else "see the module"
