"""Several accounts over one protocol: the same simulator again, under another name and with keys of its own."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from bank_adapters.simulators.simulator import Simulator


def account_at(
    place: str, protocol: str, bank: str, keys: dict[str, Any], **section: str
) -> tuple[type[Simulator], ModuleType]:
    """The simulator in module ``place`` once more, as ``bank``, with ``keys`` instead of its own constants, and with
    ``section`` beside its settings. Its module is given too, so that a key can change while it is served."""
    found = find_spec(place)
    assert isinstance(found, ModuleSpec)
    assert found.loader is not None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    for name, value in keys.items():
        assert hasattr(module, name)
        setattr(module, name, value)
    kind: type[Simulator] = module.SIMULATOR

    class Account(kind):  # type: ignore[misc, valid-type]
        name = bank

        @classmethod
        def settings(cls, url: str, folder: Path) -> dict[str, str]:
            return {**super().settings(url, folder), "PROTOCOL": protocol, **section}

    return Account, module
