"""Banks behind the port, one module a bank.

The name in ``HUB_ENABLED_BANKS`` is the module's name: no other registration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from bank_adapters.toolkit.settings import PUBLIC_URL, BankSettingsError
from payment_hub.domain.bank_port import BankAdapter

__all__ = ["BankSettingsError", "load_adapters"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,30}", re.ASCII)
_NOT_BANKS: Final = frozenset({"toolkit", "far_side"})


def load_adapters(
    enabled: Sequence[str], sections: Mapping[str, Mapping[str, str]], public_url: str = ""
) -> dict[str, BankAdapter]:
    """Build every enabled bank from its section: ``{"vietbank": {"URL": ...}}`` for ``BANK_VIETBANK_URL``.

    ``public_url`` is the hub's own address, for banks that must be told where to call back.
    Raises one BankSettingsError naming every unknown bank and every missing or malformed setting.
    """
    adapters: dict[str, BankAdapter] = {}
    wrong: list[BankSettingsError] = []
    for bank in enabled:
        try:
            adapters[bank] = _build(bank, {PUBLIC_URL: public_url, **sections.get(bank, {})})
        except BankSettingsError as error:
            wrong.append(error)
    if wrong:
        raise BankSettingsError(
            missing=[name for error in wrong for name in error.missing],
            malformed=[name for error in wrong for name in error.malformed],
            unknown=[name for error in wrong for name in error.unknown],
        )
    return adapters


def _build(bank: str, section: Mapping[str, str]) -> BankAdapter:
    if not _NAME.fullmatch(bank) or bank in _NOT_BANKS or find_spec(f"{__name__}.{bank}") is None:
        raise BankSettingsError(unknown=[repr(bank)[:40]])
    adapter: BankAdapter = import_module(f"{__name__}.{bank}").build(section)
    return adapter
