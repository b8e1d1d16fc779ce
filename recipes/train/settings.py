"""Every number of the recipe in one place."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CORPORA = os.path.join(ROOT, "build", "corpora")
WORK = os.environ.get("TRAIN_WORK") or os.path.join(ROOT, "build", "train")  # token files, checkpoints, logs
DOMAINS = ("prose", "code")

SEED = 20240917
THREADS = 2

# Architecture (OLMoE). 3.95 million parameters, 7.9 MB in bf16.
VOCAB = 3072
HIDDEN = 128
LAYERS = 8
HEADS = 4
KEY_VALUE_HEADS = 2
EXPERTS = 16
EXPERTS_PER_TOKEN = 4
EXPERT_WIDTH = 64
POSITIONS = 1024
ROPE_THETA = 10000.0
NORM_EPSILON = 1e-5
END_OF_TEXT = "<|endoftext|>"

# Training: every batch holds as many prose windows as code windows.
WINDOW = 256
WINDOWS_PER_DOMAIN = 8
STEPS = 1400
WARMUP_STEPS = 100
DECAY_STEPS = 300  # the last steps lower the rate linearly to zero
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.1
BALANCE_COEFFICIENT = 0.01  # load-balancing loss, mean over layers
ROUTER_Z_COEFFICIENT = 0.001
CHECKPOINT_EVERY = 50
