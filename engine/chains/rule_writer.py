"""Write what a rule does once it fires, as lines of Python.  value_writer -> [rule_writer] -> straight_line, stepped

What the lines change is the evaluation that is being made: `fired`, `reasons`, `changes`, `logs`, `events`, each in a
variable or in an attribute of one; and, in a variable, `outcome`. An assignment that can't be made is odd, or raises
`ActionRefused`: whoever calls begins again with the cycle, which says what is wrong."""

from collections.abc import Callable

from engine.chains.chain_rule import ChainMaterial, ChainRule
from engine.chains.condition_writer import ConditionWriter
from engine.chains.step_code import PLAIN, StepCode
from engine.chains.value_writer import Term, ValueWriter
from engine.evaluation import ActionRefused, Actions, Expressions, text_of
from engine.language import Assign, Decide, Emit, Literal, Log
from engine.schema import Limits
from engine.values import equal, literal, ordinary, to_python


class RuleWriter:
    """Writes the rules of one function."""

    def __init__(self, code: StepCode, material: ChainMaterial, owner: str, written: Callable[[int], None]) -> None:
        """Prepare.

        Args:
            code: the function.
            material: the program.
            owner: what stands before the names of what is changed: empty, or a variable and a dot.
            written: called for the slot of each field that a line is about to change, to add lines.
        """
        self._code = code
        self._material = material
        self._owner = owner
        self._written = written
        # Of its own: one that is compiling belongs to one thread.
        self._expressions = Expressions(material.layout)
        self._actions = Actions(material.layout, self._expressions, material.positions)
        self._values = ValueWriter(code, material.layout, self._expressions)
        self.conditions = ConditionWriter(code, material.layout, self._expressions)

    def fire(self, rule: ChainRule) -> bool:
        """Write that a rule fires, and its actions.

        Returns:
            Whether the lines come to their end; not, where it is certain that an action is refused.
        """
        code, owner = self._code, self._owner
        code.line(f"{owner}fired.append({code.bind(rule.rule.name)})")
        for action in rule.rule.actions:
            match action:
                case Decide():
                    self._decide(rule.rule.name, action)
                case Log(text):
                    code.line(f"{owner}logs.append({code.bind(text_of(text, self._expressions))}(slots))")
                case Emit():
                    event = self._actions.event(rule.rule.name, action)
                    code.line(f"{owner}events.append({code.bind(event)}(slots))")
                case Assign():
                    if not self._assign(action):
                        code.line(f"raise {code.odd}")
                        return False
        return True

    def _decide(self, rule: str, action: Decide) -> None:
        code, owner, actions = self._code, self._owner, self._actions
        if isinstance(action.reason, Literal):
            reason = code.bind(actions.constant_reason(rule, action.outcome, action.reason))
        else:
            reason = f"{code.bind(actions.reason(rule, action))}(slots)"
        code.line(f"{owner}reasons.append({reason})")
        if owner:
            # Rules fire without a step, too: only who has all reasons knows the worst.
            return
        if action.outcome == "reject":
            code.line('outcome = "reject"')
        elif action.outcome == "review":
            code.line('if outcome == "accept": outcome = "review"')

    def _assign(self, action: Assign) -> bool:
        layout, code, target = self._material.layout, self._code, action.target
        slot, field = layout.slot(target.fact, target.steps), layout.field(target)
        before = Term(code.field(slot), code.kinds.get(slot, ""), True)
        if action.op == "=":
            value = self._values.assigned(action.value, len(target.steps))
        else:
            start = None if field is None or field.start is None else literal(field.start)
            value = self._values.updated(action.op[0], self._values.started(before, start), action.value)
        check = self._actions.check(target)
        if value.is_constant:
            try:
                check(value.value)
            except ActionRefused:
                return False
            if not ordinary(value.value):
                return False
        elif field is not None and (value.kind != field.kind or field.required or Limits(field)):
            code.line(f"{code.bind(check)}({value.name})")
        known = value.kind if value.kind or field is None else field.kind
        self._write(slot, self._material.agenda.labels[slot], before, Term(value.name, known, value.may_be_null))
        return True

    def _write(self, slot: int, label: str, before: Term, value: Term) -> None:
        code = self._code
        plain = before.kind in PLAIN and value.kind in (before.kind, "null")
        differs = f"{before.name} != {value.name}" if plain else f"not {code.bind(equal)}({before.name}, {value.name})"
        code.line(f"if {differs}:")
        with code.writer.indent():
            self._written(slot)
            code.line(f"slots[{slot:d}] = {before.name} = {value.name}")
            code.line(f"{self._owner}changes[{code.bind(label)}] = {self._as_python(value)}")

    def _as_python(self, value: Term) -> str:
        """The text of a value as the caller gets it."""
        name = value.name
        if value.kind in ("text", "boolean", "null"):
            return name
        if value.kind == "number":
            number = f"int({name}) if -1e15 < {name} < 1e15 and {name}.is_integer() else {name}"
            return f"None if {name} is None else {number}" if value.may_be_null else number
        return f"{self._code.bind(to_python)}({name})"
