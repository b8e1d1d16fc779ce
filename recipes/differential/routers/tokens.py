"""Random tokens (count, WIDTH) for which a gate's small constants matter too.

Feature 0 is added to every logit. Feature 1 is 1. Twice feature 2 is added to the logit of expert 0, which a selection
bias keeps out: what is chosen instead then has a tiny probability.
"""

import torch

from routers.reference import WIDTH

PLAIN = 480
FAR = 32  # tokens of each kind below
SHIFTS = (-13.0, -34.0, -46.0)  # sigmoids near 1e-6, 1e-15 and 1e-20: epsilons of these sizes show
FAVOUR = 15.0  # probabilities near 1e-13 for all experts but 0
SCALE = 60.0  # softmaxes that underflow
COUNT = PLAIN + FAR * (len(SHIFTS) + 2)


def draw(seed: int) -> torch.Tensor:
    tokens = torch.randn(COUNT, WIDTH, generator=torch.Generator().manual_seed(seed))
    tokens[:, 0] = 0
    scaled, favoured, *shifted = tokens[PLAIN:].split(FAR)
    scaled *= SCALE
    favoured[:, 2] = FAVOUR
    for part, shift in zip(shifted, SHIFTS):
        part[:, 0] = shift
    tokens[:, 1] = 1
    return tokens
