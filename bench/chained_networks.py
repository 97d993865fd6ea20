"""Rules that feed each other, in engines that match with a network.  chained -> [chained_networks] -> chain_suite

CLIPS gets the items as facts, and what a rule finds out is a fact, too, which the next one matches. Drools, as its
Python package gives it, has neither arithmetic nor an order of rules: each step's value is computed in Python and
asserted as an event, of which Drools says which rules take it."""

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.chained import CATEGORIES, WRITTEN, Judged, figures
from bench.engines import Absent, Installable, prepared
from bench.networks import all_of, compared, drools_ruleset

Items = Sequence[Mapping[str, Any]]
Judge = Callable[[Items], list[Judged]]

#: How Drools is called in the tables.
DROOLS = "Drools (drools-jpy)"

#: What a rule of a category matches beside the item, what it then asserts, and its value.
_CLIPS = (
    ("", "shortage", "(- ?m ?s)"),
    ("(shortage ?x&:(> ?x 0))", "quantity", "(* ?x {packs})"),
    ("(quantity ?x&:(> ?x 0))", "total", "(* ?x ?p)"),
    ("(total ?x&:(> ?x {limit}))", "approval", '"manager"'),
    ("(total ?x&:(> ?x {half})) ?given <- (discount ?d sent)", "discount", "(* ?x {rebate})"),
    ("(total ?x&:(> ?x 0)) (discount ?d&:(>= ?d 0) ?)", "tax", "(* (- ?x ?d) {rate})"),
)


def installed() -> tuple[dict[str, Judge], list[Absent]]:
    """Prepare those of them that there are."""
    return prepared(_ENGINES, None)


def clipspy(_: object) -> Judge:
    """CLIPS: a construct per rule, with the salience that it has elsewhere; facts go by a reset."""
    clips: Any = importlib.import_module("clips")
    environment = clips.Environment()
    environment.build("(deftemplate item (slot category) (slot stock) (slot minimum) (slot price))")
    fired: list[str] = []
    written: dict[str, Any] = {}

    def hit(rule: str, field: str, value: Any) -> None:
        fired.append(rule)
        written[f"Item.{field}"] = value

    environment.define_function(hit, "hit")
    for number, category in enumerate(CATEGORIES):
        packs, limit, rebate, rate = figures(number)
        for place, (matches, field, value) in enumerate(_CLIPS):
            terms = {"packs": packs, "limit": limit, "half": limit / 2, "rebate": rebate, "rate": rate}
            stock = "?s&:(< ?s ?m)" if place == 0 else "?s"
            item = f'(item (category "{category}") (minimum ?m) (stock {stock}) (price ?p))'
            told = f"(bind ?v {value}) (assert ({field} ?v{' set' if field == 'discount' else ''}))"
            gone = "(retract ?given) " if field == "discount" else ""
            name = f"{field} {number}"
            environment.build(
                f"(defrule {field}-{number} (declare (salience {-place})) {item} {matches} => {gone}{told}"
                f' (hit "{name}" "{field}" ?v))'.format(**terms)
            )
    template = environment.find_template("item")

    def judge(items: Items) -> list[Judged]:
        judged = []
        for item in items:
            environment.reset()
            fired.clear()
            written.clear()
            environment.assert_string(f"(discount {item['discount']} sent)")
            template.assert_fact(**{name: item[name] for name in ("category", "stock", "minimum", "price")})
            environment.run()
            judged.append((list(fired), dict(written)))
        return judged

    return judge


def drools(_: object) -> Judge:
    """Drools: a rule for each step of each category."""
    item: dict[str, Any] = {}
    fired: list[str] = []
    written: dict[str, Any] = {}
    conditions = {}
    for number, category in enumerate(CATEGORIES):
        _, limit, _, _ = figures(number)
        #: What an event says, and from when on a rule takes it.
        steps = {
            "shortage": ("missing", 0),
            "quantity": ("shortage", 0),
            "total": ("quantity", 0),
            "approval": ("total", limit),
            "discount": ("total", limit / 2),
            "tax": ("taxed", 0),
        }
        for field, (read, above) in steps.items():
            of_category = compared("==", "category", {"String": category})
            tests = [of_category, compared(">", read, {"Float": float(above)})]
            if field == "tax":
                tests.append(compared(">=", "discount", {"Float": 0.0}))
            conditions[f"{field} {number}"] = all_of(tests)

    def say(**event: object) -> None:
        ruleset.assert_event(json.dumps({"category": item["category"], **event}))

    def fires(rule: str) -> None:
        field, _, number = rule.partition(" ")
        packs, _, rebate, rate = figures(int(number))
        match field:
            case "shortage":
                value = item["minimum"] - item["stock"]
            case "quantity":
                value = written["Item.shortage"] * packs
            case "total":
                value = written["Item.quantity"] * item["price"]
            case "approval":
                value = "manager"
            case "discount":
                value = written["Item.total"] * rebate
            case _:
                value = (written["Item.total"] - written.get("Item.discount", item["discount"])) * rate
        fired.append(rule)
        written[f"Item.{field}"] = value
        if field in ("shortage", "quantity", "total"):
            say(**{field: float(value)})
        if field == "total":
            say(taxed=float(value), discount=float(written.get("Item.discount", item["discount"])))

    ruleset = drools_ruleset("items", conditions, fires)

    def judge(items: Items) -> list[Judged]:
        judged = []
        for each in items:
            fired.clear()
            written.clear()
            item.clear()
            item.update(each)
            say(missing=float(each["minimum"] - each["stock"]))
            # Approval and discount are rules of one event, of which none comes first.
            order = sorted(fired, key=lambda rule: WRITTEN.index(rule.partition(" ")[0]))
            judged.append((order, dict(written)))
        return judged

    return judge


_ENGINES = (
    Installable("clipspy", "clips", clipspy),
    Installable(DROOLS, "drools.ruleset", drools),
)
