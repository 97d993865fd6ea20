"""Bodies of the functions over texts.  values -> [texts] -> registry

As in `engine.functions.numbers`: takes values of the kinds that the registry says, gives a value; none raises, and none
builds a text longer than `MAX_TEXT`. What is put together of texts is normalised: a part of a normal text is normal."""

# ruff: noqa: D103

from engine.values import MAX_TEXT, Value, normal_text, text


def upper(value: str) -> str:
    return normal_text(value.upper())


def lower(value: str) -> str:
    return normal_text(value.lower())


def _position(value: float) -> int:
    """A number as a position: at least 0, and small enough to slice with."""
    return int(min(max(value, 0.0), 1e9))


def substring(value: str, start: float, count: float | None = None) -> str | None:
    if not start.is_integer() or (count is not None and not count.is_integer()):
        return None
    first = _position(start)
    return value[first:] if count is None else value[first : first + _position(count)]


def left(value: str, count: float) -> str | None:
    return substring(value, 0.0, count)


def right(value: str, count: float) -> str | None:
    return value[max(0, len(value) - _position(count)) :] if count.is_integer() else None


def replace(value: str, old: str, new: str) -> str | None:
    if not old:
        return value
    # Counted first, so that a short text can't be made to build a huge one.
    grown = len(value) + value.count(old) * (len(new) - len(old))
    return normal_text(value.replace(old, new)) if grown <= max(MAX_TEXT, len(value)) else None


def index(value: str, part: str) -> float:
    return float(value.find(part))


def last_index(value: str, part: str) -> float:
    return float(value.rfind(part))


def repeat(value: str, count: float) -> str | None:
    if not count.is_integer() or count < 0 or len(value) * count > MAX_TEXT:
        return None
    return normal_text(value * int(count)) if value else ""


def split(value: str, separator: str) -> tuple[str, ...]:
    return tuple(value.split(separator)) if separator else (value,)


def joined(items: tuple[Value, ...], separator: str) -> str | None:
    parts = [text(item) for item in items]
    size = sum(map(len, parts)) + len(separator) * max(0, len(parts) - 1)
    return normal_text(separator.join(parts)) if size <= MAX_TEXT else None


def concat(*args: Value) -> str | None:
    return joined(args, "")


def to_text(value: Value) -> str:
    return text(value)
