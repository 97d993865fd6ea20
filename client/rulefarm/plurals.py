"""A number with its noun, for a sentence.  number, noun -> [plurals] -> text"""


def counted(number: int, what: str, several: str = "") -> str:
    """A number with its noun.

    Args:
        number: how many.
        what: the noun, in the singular.
        several: in the plural. Default: with an s.

    >>> counted(1, "attempt"), counted(1200, "attempt"), counted(2, "batch", "batches")
    ('1 attempt', '1,200 attempts', '2 batches')
    """
    return f"{number:,} {what if number == 1 else several or what + 's'}"
