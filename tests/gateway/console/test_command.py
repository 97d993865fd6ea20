"""`rulefarm console` serves the console alone, and the probes."""

import re
from pathlib import Path

from rulefarm.settings import Settings
from tests.commands import rulefarm
from tests.gateway.client import Client
from tests.gateway.console.browser import page
from tests.processes import until


def test_the_command_serves_pages_and_judges_for_nobody(gateway_settings: Settings) -> None:
    with rulefarm(gateway_settings, "console", "--port", "0") as process:
        log = next(Path(gateway_settings.home).glob("console*.log"))
        port = until(lambda: re.search(r"listening on http://127\.0\.0\.1:(\d+)", log.read_text()), 120)
        client = Client(int(port[1]))
        assert client.get("/").headers["location"] == "/console/"
        page(client.get("/console/"))
        assert client.get("/livez").json == {"status": "alive"}
        assert client.get("/v1/rulesets").code == "no-such-path"
        assert client.post("/v1/payment/evaluate", {"facts": {"Order": {"total": 1}}}).code == "no-such-path"
        process.terminate()
        assert process.wait(60) == 0
