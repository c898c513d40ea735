"""Commands about agencies, portals and keys, and what holds of every command."""

from __future__ import annotations

from typing import Any

import pytest

AGENCY = ["--account-number", "7111000000001", "--account-bank", "970436", "--account-name", "KBNN"]


def test_agencies_portals_and_keys_are_added_listed_and_revoked(run: Any) -> None:
    assert (
        run("add-agency", "G12", "Hospital", "--receipt-series", "BV26E", *AGENCY).output
        == "agency G12 added\n"
    )
    again = run("add-agency", "G12", "Hospital", "--receipt-series", "BV26E", *AGENCY)
    assert (again.exit_code, "agency G12 exists" in again.output) == (1, True)
    assert run("add-portal", "city", "City portal").exit_code == 0
    key = run(
        "make-key", "agency", "system of G12", "--agency", "G12", "--expires-on", "2099-12-31"
    ).output.strip()
    lookup = key.split("_")[1]
    assert lookup in run("list-keys").output
    assert run("revoke-key", lookup).exit_code == 0
    assert "revoked" in next(line for line in run("list-keys").output.splitlines() if lookup in line)
    assert run("revoke-key", "nobody").exit_code == 1


def test_a_portals_webhook_secret_is_rotated(run: Any) -> None:
    result = run("rotate-webhook-key", "dvc")
    assert (result.exit_code, "whsec_" in result.output, "whpk_" in result.output) == (0, True, True)
    assert run("rotate-webhook-key", "nobody").exit_code == 1


def test_a_terminal_without_vietnamese_letters_shows_the_bare_ones(run: Any) -> None:
    run("make-key", "officer", "Nguyễn Thị Hường, Đống Đa")
    result = run("list-keys", charset="latin-1")
    assert result.exit_code == 0
    assert result.output.endswith("Nguyen Thi Huong, Dong Da\n")
    assert run("list-keys").output.endswith("Nguyễn Thị Hường, Đống Đa\n")


@pytest.mark.parametrize("words", [[], ["night"], ["add-agency"], ["night", "run"], ["trial-balance"]])
def test_every_command_explains_itself(run: Any, words: list[str]) -> None:
    result = run(*words, "--help")
    assert (result.exit_code, "Usage:" in result.output) == (0, True)


def test_a_wrong_option_is_exit_code_two(run: Any) -> None:
    assert run("trial-balance", "--from", "yesterday", "--to", "today").exit_code == 2
