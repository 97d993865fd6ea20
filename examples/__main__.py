"""`python -m examples`: write the inputs of the farm.  [__main__] -> products, orders, payments, tables

Parses the command line, calls one function, prints what it wrote."""

import sys
import time
from pathlib import Path

import click
import polars as pl

from examples.look import look
from examples.nightly_run import CONSOLE_PORT, nightly_run
from examples.orders import DEFAULT_ORDERS, build_orders
from examples.payments import DEFAULT_PAYMENTS, build_payments
from examples.picture import picture
from examples.products import DEFAULT_LIMIT, build_products
from examples.samples import write_samples
from examples.soak import soak as soaked
from examples.source import DataMissing
from examples.tables import write_tables
from rulefarm.errors import RulefarmError

#: Folder that the built inputs go to; git ignores it.
DATA = Path(__file__).parent / "data"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Build the farm's example inputs from a year of real grocery sales."""


def _count(_context: click.Context, _parameter: click.Parameter, value: str) -> int | None:
    """A number of rows, or None for `all`."""
    if value == "all":
        return None
    if not value.isdigit() or value == "0":
        raise click.BadParameter("give a number of rows, or `all`")
    return int(value)


@main.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=DATA, help="Folder to write to.")
@click.option("--limit", default=str(DEFAULT_LIMIT), show_default=True, callback=_count, help="Products, or `all`.")
@click.option("--orders", default=str(DEFAULT_ORDERS), show_default=True, callback=_count, help="Orders, or `all`.")
@click.option(
    "--payments", default=DEFAULT_PAYMENTS, show_default=True, type=click.IntRange(1, 100_000), help="Payments."
)
def build(out: Path, limit: int | None, orders: int | None, payments: int) -> None:
    """Write products.parquet, orders.jsonl, payments.jsonl, and what is known of the households that pay."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        _write(out / "products.parquet", build_products(limit), started)
        started = time.perf_counter()
        _write(out / "orders.jsonl", build_orders(orders), started)
        started = time.perf_counter()
        built = build_payments(payments)
        _write(out / "payments.jsonl", built.payments, started)
        _write(out / "households.jsonl", built.households, started)
        built.write_known(out / "known.json")
    except (DataMissing, OSError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.option(
    "--out",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("rulesets/pricing"),
    show_default=True,
    help="Folder to write to.",
)
def tables(out: Path) -> None:
    """Derive the pricing tables anew; overwrites the CSV files that are checked in."""
    try:
        written = write_tables(build_products(None), out)
    except (DataMissing, OSError) as error:
        raise click.ClickException(str(error)) from error
    for name, rows in written.items():
        click.echo(f"{out / name}: {rows} rows")


@main.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=DATA.parent, help="Folder to write to."
)
def samples(out: Path) -> None:
    """Write the small samples that are checked in: one order, one product, a few of each."""
    try:
        for path in write_samples(build_products(), build_orders(), out):
            click.echo(path)
    except (DataMissing, OSError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
def run() -> None:
    """Run the whole farm once on the real products and some orders, and print what was measured."""
    products, orders = _inputs()
    try:
        nightly_run(products, orders)
    except RulefarmError as error:
        raise click.ClickException(f"{error} [{error.code}]") from error


@main.command("look")
@click.option("--port", default=CONSOLE_PORT, show_default=True, type=click.IntRange(0, 65535), help="Of the console.")
def show_console(port: int) -> None:
    """Run the farm with what `run` judged, and show it in a browser, until Ctrl-C."""
    products, orders = _inputs()
    try:
        look(products, orders, port)
    except RulefarmError as error:
        raise click.ClickException(f"{error} [{error.code}]") from error


def _inputs() -> tuple[Path, Path]:
    """The products and the orders, which are built if they are missing."""
    products, orders = DATA / "products.parquet", DATA / "orders.jsonl"
    if not products.exists() or not orders.exists():
        build.main([], standalone_mode=False)
    return products, orders


@main.command("picture")
def show_picture() -> None:
    """Run a load balancer, and a gateway and a worker for each domain; print which node answered what."""
    try:
        picture()
    except RulefarmError as error:
        raise click.ClickException(f"{error} [{error.code}]") from error


@main.command()
@click.option("--payments", default=DEFAULT_PAYMENTS, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--windows", default=100_000, show_default=True, type=click.IntRange(1, 150_000))
def soak(payments: int, windows: int) -> None:
    """Hold a farm against the replay, and its memory against its bounds; exit code 1 if either fails."""
    try:
        passed = soaked(payments, windows)
    except DataMissing as error:
        raise click.ClickException(str(error)) from error
    except RulefarmError as error:
        raise click.ClickException(f"{error} [{error.code}]") from error
    sys.exit(int(not passed))


def _write(path: Path, frame: pl.DataFrame, started: float) -> None:
    """Write a frame under its final name only once it is whole."""
    unfinished = path.with_name(path.name + ".part")
    if path.suffix == ".parquet":
        frame.write_parquet(unfinished)
    else:
        frame.write_ndjson(unfinished)
    unfinished.replace(path)
    click.echo(f"{path}: {frame.height:,} rows in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main(prog_name="python -m examples")
