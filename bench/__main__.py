"""`python -m bench`: measure, and print the table.  suites -> report -> [__main__]; bench.farm; *_command

Parses the command line, runs one part after the other, prints each as it is done."""

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import polars as pl

from bench import report
from bench.chain_suite import chain
from bench.compile_suite import compilation
from bench.console_command import command as console
from bench.engine_reasons import reasons
from bench.engines import Absent
from bench.farm.command import command as farm
from bench.gateway_command import command as gateway
from bench.growth import command as growth
from bench.impact import command as impact
from bench.ours import compiled
from bench.shadow import command as shadow
from bench.suites import FULL, QUICK, A, B, C, D, Effort, chunks, orders, records, shipped, twice_as_fast
from bench.timing import Disagreement, Goal, ReportRow
from bench.ways import command as ways
from bench.worker_start import worker_start
from bench.workload import make_workload
from rulesets.loader import SHIPPED, load_domain

#: What `make data` builds.
ORDERS = Path(__file__).parents[1] / "examples" / "data" / "orders.jsonl"
PRODUCTS = Path(__file__).parents[1] / "examples" / "data" / "products.parquet"
#: Orders that are judged: the first of them.
ORDERS_TAKEN = 1_000
#: What a record may take, and a row of a chunk.
ORDERS_GOALS = {
    "promotion": (Goal(50, "≤ 50 µs", is_least=False), Goal(35, "≤ 35 µs", is_least=False)),
    "payment": (Goal(35, "≤ 35 µs", is_least=False), Goal(25, "≤ 25 µs", is_least=False)),
}


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Fewer repeats: a minute, and rougher figures.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
@click.pass_context
def main(context: click.Context, quick: bool, file: Path | None) -> None:
    """Time the engine beside what one could use in its place; ways of writing rules; the farm; gateway or console."""
    if context.invoked_subcommand is None:
        _engine(quick, file)


main.add_command(console)
main.add_command(farm)
main.add_command(gateway)
main.add_command(growth)
main.add_command(impact)
main.add_command(shadow)
main.add_command(ways)


def _engine(quick: bool, file: Path | None) -> None:
    started = time.perf_counter()
    machine = f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores"
    print(f"{machine}; every figure of this run, the hits of all compared first")
    print(report.header("x engine"))
    rows: list[ReportRow] = []
    missing: list[Absent] = []
    try:
        for part, absent in _parts(QUICK if quick else FULL):
            print(report.section(part), flush=True)
            if absent:
                print(report.missing(absent), flush=True)
            rows += part
            missing += absent
    except Disagreement as difference:
        sys.exit(f"the contenders disagree, so nothing is worth timing: {difference}")
    print("\n".join(["", report.summary(rows), *reasons(rows)]))
    if missing:
        # Some would have stood in several parts.
        left_out = {one.name: one for one in missing}
        print(f"left out, with the targets that are of them:\n{report.missing(left_out.values())}")
    print(f"took {time.perf_counter() - started:.0f} s")
    if file is not None:
        absences = {one.name: one.reason for one in missing}
        whole = {"machine": machine, "rows": [row.to_json() for row in rows], "absent": absences}
        file.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _parts(effort: Effort) -> Iterator[tuple[list[ReportRow], list[Absent]]]:
    """The parts of the table, one after the other."""
    some = make_workload(1_000, effort.products)
    program = compiled(some)
    yield records(some, program, {A: Goal(6, "≥ 6 x"), B: Goal(1, "> 1 x")}, effort, others=True)
    sizes = (200, 1_000, effort.products)
    yield chunks(some, program, sizes, {C: Goal(2, "≥ 2 x"), D: Goal(1, "≥ 1 x")}, effort), []
    spread = make_workload(1_000, effort.products, categories=50)
    yield records(spread, compiled(spread), {}, effort)
    if effort is FULL:
        many = make_workload(effort.largest, effort.products)
        program = compiled(many)
        rows, absent = records(many, program, {B: Goal(10, "≥ 10 x")}, effort)
        yield [*rows, twice_as_fast(rows)], absent
        yield chunks(many, program, (effort.products,), {}, effort), []
    yield chain(effort)
    if PRODUCTS.exists():
        yield (
            shipped(load_domain(SHIPPED, "pricing").program, pl.read_parquet(PRODUCTS).head(effort.shipped), effort),
            [],
        )
    else:
        yield [], [Absent("shipped pricing rules", "no products: `make data` builds them")]
    if ORDERS.exists():
        lines = ORDERS.read_text(encoding="utf-8").splitlines()[:ORDERS_TAKEN]
        taken = [json.loads(line) for line in lines]
        for domain, goals in ORDERS_GOALS.items():
            yield orders(domain, load_domain(SHIPPED, domain).program, taken, *goals, effort), []
    else:
        yield [], [Absent("shipped promotion and payment rules", "no orders: `make data` builds them")]
    yield compilation(effort), []
    yield worker_start(effort.slow_rounds)


if __name__ == "__main__":
    main()
