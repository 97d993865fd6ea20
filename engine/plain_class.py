"""How the classes are made of which a ruleset has many objects.  [plain_class] -> values, language, tables, matching

Such an object is frozen: the checker of types sees to that, and nothing in the engine changes one. At run time it does
not guard itself, for one that does takes three times as long to make, and ten thousand rules have half a million."""

import dataclasses
import typing
from dataclasses import field as field

if typing.TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen, slots, eq=True):
        """`dataclasses.dataclass`, frozen for the checker of types alone.

        Args:
            frozen: True; none of them is anything else.
            slots: whether it has slots.
            eq: whether it is compared by its fields, and has a hash of them; default True.
        """
        assert frozen
        return dataclasses.dataclass(slots=slots, eq=eq, unsafe_hash=eq)
