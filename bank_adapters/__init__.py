"""Banks behind the port, one module a bank.

A bank is a name in ``HUB_ENABLED_BANKS``: no other registration. It speaks the protocol of the module of that name, or
of the one that ``BANK_<NAME>_PROTOCOL`` names, so that several accounts can share a protocol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Final, TypeVar

from bank_adapters.toolkit.settings import PUBLIC_URL, BankSettingsError, read_terms
from payment_hub.domain.banks.port import BankAdapter
from payment_hub.domain.banks.profile import BankTerms

__all__ = ["BankSettingsError", "load_adapters", "load_terms", "settings_faults"]

Made = TypeVar("Made")

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,30}", re.ASCII)
_NOT_BANKS: Final = frozenset({"toolkit", "simulators"})

#: Names the protocol that a bank speaks, when it is not that of its own name.
PROTOCOL: Final = "PROTOCOL"


def load_adapters(
    enabled: Sequence[str], sections: Mapping[str, Mapping[str, str]], public_url: str = ""
) -> dict[str, BankAdapter]:
    """Build every enabled bank from its section: ``{"vietbank": {"URL": ...}}`` for ``BANK_VIETBANK_URL``.

    ``public_url`` is the hub's own address, for banks that need to know where to call back.
    Raises one BankSettingsError naming every unknown bank and every missing or malformed setting.
    """
    return _of_each(enabled, lambda bank: _build(bank, {PUBLIC_URL: public_url, **sections.get(bank, {})}))


def load_terms(enabled: Sequence[str], sections: Mapping[str, Mapping[str, str]]) -> dict[str, BankTerms]:
    """Our contract with every enabled bank, from the same sections.

    Raises one BankSettingsError naming every malformed setting.
    """
    return _of_each(enabled, lambda bank: read_terms(bank, sections.get(bank, {})))


def settings_faults(
    enabled: Sequence[str], sections: Mapping[str, Mapping[str, str]], public_url: str = ""
) -> list[str]:
    """What is wrong in the settings of the enabled banks, a sentence for each fault; none if they can be loaded."""
    faults: list[str] = []
    for load in (partial(load_adapters, public_url=public_url), load_terms):
        try:
            load(enabled, sections)
        except BankSettingsError as error:
            faults += error.faults
    return faults


def _of_each(enabled: Sequence[str], make: Callable[[str], Made]) -> dict[str, Made]:
    made: dict[str, Made] = {}
    wrong: list[BankSettingsError] = []
    for bank in enabled:
        try:
            made[bank] = make(bank)
        except BankSettingsError as error:
            wrong.append(error)
    if wrong:
        raise BankSettingsError(
            missing=[name for error in wrong for name in error.missing],
            malformed=[name for error in wrong for name in error.malformed],
            unknown=[name for error in wrong for name in error.unknown],
        )
    return made


def _build(bank: str, section: Mapping[str, str]) -> BankAdapter:
    protocol = section.get(PROTOCOL) or bank
    for name in (bank, protocol):
        if not _NAME.fullmatch(name):
            raise BankSettingsError(unknown=[repr(name)[:40]])
    if protocol in _NOT_BANKS or find_spec(f"{__name__}.{protocol}") is None:
        raise BankSettingsError(unknown=[repr(protocol)[:40]])
    adapter: BankAdapter = import_module(f"{__name__}.{protocol}").build(bank, section)
    return adapter
