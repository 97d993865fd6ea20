"""Every price has a source and a date; what has no price is named and not guessed."""

from datetime import date
from pathlib import Path

import pytest

from planning.prices import CLOUDS, PARTS, PricesUnreadable, bill, read_prices
from planning.small_file import MAX_CHARACTERS

LINE = (
    '[[price]]\nwhat = "{what}"\nname = "n"\nusd = {usd}\nper = "{per}"\nvcpus = {vcpus}\nsource = "{source}"\n{day}\n'
)
GOOD = {"what": "node", "usd": "0.1", "per": "hour", "vcpus": "2", "source": "s", "day": "dated = 2026-01-01"}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_prices_that_ship_can_be_read(cloud: str) -> None:
    prices = read_prices(cloud)
    assert {"node", "control-plane", "load-balancer", "postgres", "egress"} <= {price.what for price in prices}
    for price in prices:
        assert price.source, price.name
        assert date(2025, 1, 1) <= price.dated <= date(2026, 11, 28), price.name
        assert 0 < price.usd < 1_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"what": "lunch"}, "'what'"),
        ({"usd": "-1"}, "'usd'"),
        ({"usd": '"1"'}, "'usd'"),
        ({"usd": "nan"}, "'usd'"),
        ({"per": "year"}, "'per'"),
        ({"vcpus": "0"}, "'vcpus'"),
        ({"source": " "}, "'source'"),
        ({"day": ""}, "'dated'"),
        ({"day": 'dated = "soon"'}, "'dated'"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, change: dict[str, str], said: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(LINE.format(**GOOD | change))
    with pytest.raises(PricesUnreadable, match=said):
        read_prices(str(path))


@pytest.mark.parametrize("content", ["", "price = 1", "[[price]]", LINE.format(**GOOD) * 2, "\x00"])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "prices.toml").write_text(content)
    with pytest.raises(PricesUnreadable):
        read_prices(str(tmp_path / "prices.toml"))
    with pytest.raises(PricesUnreadable):
        read_prices(str(tmp_path / "missing.toml"))


def test_no_more_is_read_than_prices_can_have(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(LINE.format(**GOOD) + " " * MAX_CHARACTERS)
    with pytest.raises(PricesUnreadable, match=f"more than {MAX_CHARACTERS} characters"):
        read_prices(str(path))


def test_a_month_is_priced_and_what_has_no_price_is_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(LINE.format(**GOOD) + LINE.format(**GOOD | {"what": "egress", "per": "GB", "vcpus": "0"}))
    month = bill(read_prices(str(path)), {"node": (4.0, "4 vCPU"), "egress": (50.0, "50 GB"), "redis": (1.0, "1")})
    # Two vCPUs cost 0.1 an hour, so four cost 0.2; a month has 730 hours.
    assert [round(line.usd, 6) for line in month.lines] == [146.0, 5.0]
    assert month.without_price == ("redis",)
    assert month.usd == pytest.approx(151.0)
    assert set(PARTS) >= {"node", "egress", "redis"}
