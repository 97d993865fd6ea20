"""What is wrong with a ruleset that compiles: rules that never fire, are shadowed, or contradict each other."""

from engine.lint.review import review

__all__ = ["review"]
