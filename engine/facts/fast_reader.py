"""Read facts that are as they should be, fast; hand all others over to the exact reader.

Generates a straight-line function that fills the slots, and gives up at the first doubt: then the exact reader looks
again, and says what is wrong. The text of the function holds slot numbers, names that are made here, and bounds as
Python writes floats; field names and all else are bound to it as values (`engine.facts.codegen`). Facts that it reads
by itself give the slots that the exact reader would give."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.facts.codegen import FunctionWriter
from engine.facts.field_checks import FieldChecks
from engine.facts.field_use import FieldUse
from engine.facts.slots import AS_OF, ORDINARY, SlotLayout, Slots
from engine.schema import FactSchema, FieldSchema
from engine.values import Value

#: Takes facts as they were sent and the moment they are judged at, gives new slots or raises `FactsRejected`.
ReadFacts = Callable[[Any, Value], Slots]


def compile_fast_reader(layout: SlotLayout, use: FieldUse, read_exactly: ReadFacts) -> ReadFacts:
    """Make the function for one program.

    Args:
        layout: the slots to fill, none of which is added later.
        use: the fields that rules use.
        read_exactly: reads the facts that need a closer look.
    """
    return _ReaderWriter(layout, use).write(read_exactly)


class _ReaderWriter:
    """Writes the function of one program."""

    def __init__(self, layout: SlotLayout, use: FieldUse) -> None:
        self._layout = layout
        self._use = use
        self._subject = layout.schema.subject if layout.schema is not None else ""
        self._writer = FunctionWriter("read", ["facts", "as_of"])
        self._checks = FieldChecks(self._writer, use, layout.zone)

    def write(self, read_exactly: ReadFacts) -> ReadFacts:
        #: Slot to the text of what goes into it.
        content = ["None"] * self._layout.size
        content[AS_OF], content[ORDINARY] = "as_of", "True"
        writer = self._writer
        writer.line("try:")
        with writer.indent():
            writer.line("if facts.__class__ is not dict: raise Doubt")
            schema = self._layout.schema
            if schema is not None:
                for fact in schema.facts.values():
                    self._described(fact, content)
            else:
                for name in sorted({fact for fact, _ in self._layout.places}):
                    self._free(name, content)
            writer.line(f"return [{', '.join(content)}]")
        writer.line("except (Doubt, Refused): pass")
        writer.line(f"return {writer.bind(read_exactly, 'read_exactly')}(facts, as_of)")
        read: ReadFacts = writer.compile()
        return read

    def _described(self, fact: FactSchema, content: list[str]) -> None:
        """A fact of the schema: an object, or a list of objects."""
        raw = self._writer.variable()
        self._writer.line(f"{raw} = facts.get({self._writer.bind(fact.name)})")
        places = [(steps, slot) for (name, steps), slot in self._layout.places.items() if name == fact.name]
        if fact.is_list:
            items = self._elements(raw, fact)
            for steps, slot in places:
                content[slot] = f"get_path({items}, {self._writer.bind(steps)})" if steps else items
            return
        absent = "False"
        if fact.name != self._subject and not any(field.required for field in fact.fields.values()):
            absent = self._writer.variable()
            self._writer.line(f"{absent} = {raw} is None")
            self._writer.line(f"if {absent}: {raw} = {self._writer.bind({})}")
        self._writer.line(f"if {raw}.__class__ is not dict: raise Doubt")
        fields = {field.name: self._field(raw, fact, field) for field in fact.fields.values()}
        for steps, slot in places:
            if not steps:
                content[slot] = f"(None if {absent} else present({self._object(fields)}))"
            elif steps[0] in fields and isinstance(steps[0], str):
                field = fields[steps[0]]
                content[slot] = field if len(steps) == 1 else f"get_path({field}, {self._writer.bind(steps[1:])})"

    def _object(self, fields: Mapping[str, str]) -> str:
        return "{" + ", ".join(f"{self._writer.bind(name)}: {value}" for name, value in fields.items()) + "}"

    def _elements(self, raw: str, fact: FactSchema) -> str:
        items, item = self._writer.variable(), self._writer.variable()
        self._writer.line(f"if {raw} is None: {raw} = ()")
        self._writer.line(f"elif {raw}.__class__ is not list: raise Doubt")
        self._writer.line(f"{items} = []")
        self._writer.line(f"for {item} in {raw}:")
        with self._writer.indent():
            self._writer.line(f"if {item}.__class__ is not dict: raise Doubt")
            fields = {field.name: self._field(item, fact, field) for field in fact.fields.values()}
            kept = {name: value for name, value in fields.items() if self._use.is_used(fact.name, name)}
            # Nobody looks at elements as a whole where only some of their fields are kept.
            element = f"present({self._object(kept)})" if self._use.is_whole(fact.name) else self._object(kept)
            self._writer.line(f"{items}.append({element})")
        self._writer.line(f"{items} = tuple({items})")
        return items

    def _field(self, raw: str, fact: FactSchema, field: FieldSchema) -> str:
        """Take one field of an object; gives the name or constant that holds it."""
        key, value = self._writer.bind(field.name), self._writer.variable()
        if field.derived:
            self._writer.line(f"if {raw}.get({key}) is not None: raise Doubt")
            return "None"
        self._writer.line(f"{value} = {raw}.get({key})")
        self._checks.field(value, fact, field)
        return value

    def _free(self, fact: str, content: list[str]) -> None:
        """A fact that no schema describes."""
        raw = self._writer.variable()
        self._writer.line(f"{raw} = facts.get({self._writer.bind(fact)})")
        places = [(steps, slot) for (name, steps), slot in self._layout.places.items() if name == fact]
        fields = self._layout.element_fields.get(fact)
        if any(len(steps) == 1 and isinstance(steps[0], str) for steps, _ in places):
            self._writer.line(f"if {raw}.__class__ is not dict: raise Doubt")
        for steps, slot in places:
            if not steps and fields is not None:
                content[slot] = self._free_elements(raw, fields)
                continue
            value = content[slot] = self._writer.variable()
            if len(steps) == 1 and isinstance(steps[0], str) and steps[0].isascii():
                self._writer.line(f"{value} = {raw}.get({self._writer.bind(steps[0])})")
            else:
                self._writer.line(f"{value} = get_path({raw}, {self._writer.bind(steps)})")
            self._checks.any(value)
        for name, is_list in self._use.written:
            if name == fact:
                kind = "list" if is_list else "dict"
                self._writer.line(f"if {raw} is not None and {raw}.__class__ is not {kind}: raise Doubt")

    def _free_elements(self, raw: str, fields: set[str]) -> str:
        writer = self._writer
        items, item = writer.variable(), writer.variable()
        writer.line(f"{items} = None")
        writer.line(f"if {raw}.__class__ is list:")
        with writer.indent():
            writer.line(f"{items} = []")
            writer.line(f"for {item} in {raw}:")
            with writer.indent():
                writer.line(f"if {item}.__class__ is not dict: raise Doubt")
                kept = {}
                for name in sorted(fields):
                    value = kept[name] = writer.variable()
                    if name.isascii():
                        writer.line(f"{value} = {item}.get({writer.bind(name)})")
                    else:
                        writer.line(f"{value} = get_path({item}, {writer.bind((name,))})")
                    self._checks.any(value)
                writer.line(f"{items}.append({self._object(kept)})")
            writer.line(f"{items} = tuple({items})")
        writer.line(f"elif {raw} is not None: raise Doubt")
        return items
