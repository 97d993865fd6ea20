"""What a pattern may cost is known when it is loaded: its counted repeats are bounded, and all patterns of a domain."""

import pytest

from engine import RulesetRejected, compile_ruleset
from engine.functions import MAX_ALL_PATTERN_STEPS, pattern_steps

TAKEN = [
    r"^\\p{L}{2,30}$",
    r"[ab]*a[ab]{900}c",
    r".{1,300}x",
    r"(?i)[a-zäöü]{3,60}",
    r"[\\p{L}\\p{N} .-]{1,40}",
    r"\\x{1F600}{3}",
    "(?i)straße|größe|日本語",
]
REFUSED = [
    r"[ab]*a[ab]{998}c[ab]{9}",
    r".{500}.{500}x",
    r"(a{30}){30}(b{30}){30}",
    r"(ab){600}",
    r"[ab]{1,999}",
    r"(a?){600}",
]


def problems(text: str) -> list[tuple[str, int]]:
    with pytest.raises(RulesetRejected) as caught:
        compile_ruleset({"a.grl": text})
    return [(found.code, found.span.line if found.span else 0) for found in caught.value.diagnostics]


@pytest.mark.parametrize("pattern", TAKEN)
def test_a_pattern_that_people_write_is_taken(pattern: str) -> None:
    compile_ruleset({"a.grl": f'rule a {{ when A.t matches "{pattern}" then Reject(); }}'})


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_of_too_many_counted_repeats_is_refused(pattern: str) -> None:
    assert problems(f'rule a {{ when A.t matches "{pattern}" then Reject(); }}') == [("bad-pattern", 1)]


@pytest.mark.parametrize(
    "condition",
    [
        'A.t matches "{}"',
        'exists(Line.t matches "{}")',
        'A.x > 5 || !(A.t + A.u matches "{}")',
        'A.x > 5 && A.t.Matches("{}")',
    ],
)
def test_the_patterns_of_a_domain_together_are_bounded_wherever_they_stand(condition: str) -> None:
    pattern = "[ab]*a[ab]{900}c"
    few = MAX_ALL_PATTERN_STEPS // pattern_steps(pattern)
    rules = [f"rule r{n} {{ when {condition.format(pattern)} then Reject(); }}\n" for n in range(few + 20)]
    compile_ruleset({"a.grl": "".join(rules[:few])})
    # Said once, where it becomes too much.
    assert problems("".join(rules)) == [("too-many-patterns", few + 1)]
    with pytest.raises(RulesetRejected, match="too-many-patterns"):
        compile_ruleset({"a.grl": "".join(rules[:few]), "b.grl": rules[few]})
