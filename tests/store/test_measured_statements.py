"""What pgbench is given in the measurements is the hub's own SQL, every parameter filled in."""

from __future__ import annotations

import pytest

from benchmarks import statements


@pytest.mark.parametrize("script", [statements.issue_script("P"), statements.confirm_script(1, 10)])
def test_every_parameter_is_filled(script: str) -> None:
    assert "%(" not in script
    assert "@" not in script.replace("@example", "")
    assert "--" not in script, "a comment would swallow the rest of the line"
