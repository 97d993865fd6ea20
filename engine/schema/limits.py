"""What a field takes besides its kind: its bounds and its list of values.  schema -> [limits] -> facts, evaluation

The same answer, in the same words, for a value that a job sends and for one that a rule assigns. Says nothing about
kinds and null; those who take values look at them first."""

from decimal import Decimal

from engine.schema.schema import Constant, FieldSchema
from engine.values import Value, literal, text


class Limits:
    """The bounds and values of one field.

    Args:
        field: says what they are.
    """

    __slots__ = ("_field", "_maximum", "_minimum", "_values")

    def __init__(self, field: FieldSchema) -> None:
        self._field = field
        self._minimum: Value = None if field.minimum is None else literal(field.minimum)
        self._maximum: Value = None if field.maximum is None else literal(field.maximum)
        self._values = None if field.values is None else frozenset(map(literal, field.values))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return not (self._minimum is None and self._maximum is None and self._values is None)

    def broken_by(self, value: Value) -> str:
        """What is wrong with a value of the field's kind, as a message goes on after the field's name; empty: nothing.

        >>> from decimal import Decimal
        >>> limits = Limits(FieldSchema("score", "number", maximum=Decimal(10)))
        >>> limits.broken_by(450.0), limits.broken_by(10.0)
        ('is above its maximum 10', '')
        """
        if self._minimum is not None and value < self._minimum:
            return f"is below its minimum {_shown(self._field.minimum)}"
        if self._maximum is not None and value > self._maximum:
            return f"is above its maximum {_shown(self._field.maximum)}"
        if self._values is not None and value not in self._values:
            return "is not one of its values"
        return ""


def _shown(bound: Constant | None) -> str:
    return str(bound) if isinstance(bound, Decimal) else text(bound)
