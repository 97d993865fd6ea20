"""Many rules that only decide, and the same ones with more to do."""

from engine import Program, compile_ruleset

#: So many rules that a field is looked up in tables, and many names are taken at once.
MANY = 300


def program_of_many(action: str = "") -> Program:
    """Rules that fire one after the other as `P.a` grows; each also does what is named."""
    rules = [
        f'rule R{i:03d} {{ when P.a > {i} && P.b < {2 * MANY - i} then {_outcome(i)}("r{i}"); {action} }}'
        for i in range(MANY)
    ]
    return compile_ruleset({"many.grl": "\n".join(rules)})


def _outcome(i: int) -> str:
    return "Reject" if i == MANY - 1 else "Review" if i % 2 else "Accept"
