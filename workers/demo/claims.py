"""What was measured, beside what is claimed.  routing_demo -> [claims] -> rows, sentences, JSON

Pure. The claims are those of the picture that this project began with: nodes that each serve a domain, behind a load
balancer, in the place of one server that runs every rule."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

#: "100 ms instead of 2,000", "three times as fast on three nodes", "10 % more cost".
FASTER_CHECK, FASTER_NODES, MORE_COST = 20.0, 3.0, 1.1


@dataclass(frozen=True, slots=True)
class PriceCheck:
    """A product's price, checked one by one on a node."""

    #: That the node holds.
    rules: int
    #: Medians: of the engine, and from before `evaluate` until its producer has the verdict.
    engine_ms: float
    answer_ms: float
    outcome: str
    fired: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NightlyTime:
    """The nightly batch: every product is judged by every rule of pricing."""

    nodes: int
    #: That judge, on all nodes together.
    processes: int
    #: From before `submit_batch` to the last verdict, and the CPU of workers and Postgres; medians of the turns.
    seconds: float
    cpu_s: float
    verdicts: int


@dataclass(frozen=True, slots=True)
class MeasuredRatio:
    """One comparison."""

    what: str
    before: str
    after: str
    #: How many times as fast `after` is; of the CPU, how many times as much it takes.
    ratio: float
    claim: str = ""
    #: The claim as a ratio; None: there is none.
    claimed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingReport:
    """All of it."""

    cores: int
    products: int
    #: One row, written and committed by itself: the median.
    commit_ms: float
    pricing: PriceCheck
    shop: PriceCheck
    #: One node with all rules of pricing, with more and more processes; the first has one.
    nights: tuple[NightlyTime, ...]
    #: Nodes with a part of the rules each, of one process.
    parts: NightlyTime

    def rows(self) -> list[MeasuredRatio]:
        """The comparisons."""
        one, shop, pricing = self.nights[0], self.shop, self.pricing
        seed = f"{FASTER_CHECK:g} x: 100 ms instead of 2,000"
        rows = [
            MeasuredRatio(
                "price check, engine",
                f"every domain, {shop.rules:,} rules: {shop.engine_ms:.3f} ms",
                f"pricing, {pricing.rules:,} rules: {pricing.engine_ms:.3f} ms",
                shop.engine_ms / pricing.engine_ms,
                seed,
                FASTER_CHECK,
            ),
            MeasuredRatio(
                "price check, answer",
                f"every domain: {shop.answer_ms:.2f} ms",
                f"pricing: {pricing.answer_ms:.2f} ms",
                shop.answer_ms / pricing.answer_ms,
                seed,
                FASTER_CHECK,
            ),
        ]
        rows += [
            MeasuredRatio(
                f"nightly, {night.processes} processes",
                f"1 process: {one.seconds:.2f} s",
                f"{night.processes} processes: {night.seconds:.2f} s",
                one.seconds / night.seconds,
            )
            for night in self.nights[1:]
        ]
        split = f"{self.parts.nodes} nodes, a part of the rules each"
        return [
            *rows,
            MeasuredRatio(
                f"nightly, {split}",
                f"1 node: {one.seconds:.2f} s",
                f"{self.parts.nodes} nodes: {self.parts.seconds:.2f} s",
                one.seconds / self.parts.seconds,
                f"{FASTER_NODES:g} x from three nodes",
                FASTER_NODES,
            ),
            MeasuredRatio(
                f"CPU for it, {self.parts.nodes} nodes",
                f"1 node: {one.cpu_s:.2f} s",
                f"{self.parts.nodes} nodes: {self.parts.cpu_s:.2f} s",
                self.parts.cpu_s / one.cpu_s,
                "1.1 x: 10 % more cost",
                MORE_COST,
            ),
        ]

    def limits(self) -> list[str]:
        """What the ratios are limited by, in words."""
        pricing, shop, one, widest = self.pricing, self.shop, self.nights[0], self.nights[-1]
        more, longer = shop.rules / pricing.rules, shop.engine_ms / pricing.engine_ms
        share = pricing.engine_ms / pricing.answer_ms
        said = [
            f"Rules: {more:.1f} times as many took {longer:.1f} times as long"
            + (", for the index looks at the fields of the product and not at each rule." if longer < more else "."),
            f"Commit and message: the engine is {share:.1%} of an answer. The rest is two commits (the job and its"
            f" verdict, {self.commit_ms:.2f} ms each when nothing else happens), the message to the worker and the"
            " answer back, and these are the same on any node.",
        ]
        strangers = [rule for rule in shop.fired if rule.startswith(("promotion ", "payment "))]
        if strangers:
            said.append(
                f"Meaning: the node with every rule says {shop.outcome} and not {pricing.outcome}, for"
                f" {', '.join(strangers)} holds of whatever has no order. Routing keeps such rules from asking."
            )
        said.append(
            f"Cores: there are {self.cores} here, and they are shared by the workers, Postgres, the broker and the"
            f" producer. One process took {one.cpu_s:.1f} s of CPU for the batch"
            + (f", {widest.processes} took {widest.cpu_s:.1f} s." if widest is not one else ".")
        )
        said.append(
            f"Parts: {self.parts.nodes} nodes with a part of the rules each read every product"
            f" {self.parts.nodes} times and store {self.parts.verdicts:,} verdicts for {self.products:,} products. A"
            " product and its row take the time, and not a rule; so nodes had better share products, or domains, and"
            " not the rules of one domain."
        )
        return said

    def to_json(self) -> Mapping[str, Any]:
        """The report as plain data."""
        return {**asdict(self), "rows": [asdict(row) for row in self.rows()], "limits": self.limits()}
