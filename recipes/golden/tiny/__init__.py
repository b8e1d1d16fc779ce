"""Tiny random checkpoints of MoE families and what transformers computes with them: the parts of ../families.py."""
