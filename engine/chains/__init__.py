"""Rules that feed each other, as generated functions: the cycle's answers, without its bookkeeping."""

from engine.chains.chain_rule import ChainMaterial
from engine.chains.chains import Chains

__all__ = ["ChainMaterial", "Chains"]
