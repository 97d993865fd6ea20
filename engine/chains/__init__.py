"""Rules that feed each other, as generated functions: the cycle's answers, without its bookkeeping."""

from engine.chains.chain_rule import ChainMaterial
from engine.chains.chains import Chains
from engine.chains.families import Families, RuleForm, families_of

__all__ = ["ChainMaterial", "Chains", "Families", "RuleForm", "families_of"]
