"""The soak can be run: small, and with bounds that nothing keeps."""

import pytest
from click.testing import CliRunner

from examples import soak
from examples.__main__ import main


@pytest.mark.usefixtures("real_services")
def test_a_small_soak_says_what_it_measured_and_holds_it_against_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "WINDOWS_MB", -1.0)
    result = CliRunner().invoke(main, ["soak", "--payments", "60", "--windows", "200"])
    assert "60 payments through two workers" in result.output
    assert "0 verdicts differ from the replay" in result.output
    assert "its memory grew by 0.0 MB (bound 8), the windows in Redis by 0.0 MB (bound -1)" in result.output
    assert result.output.splitlines()[-1] == "FAILED"
    assert result.exit_code == 1
