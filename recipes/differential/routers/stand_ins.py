"""In the place of a block's experts: column e of what they return is what the block multiplies expert e's output by.

So the block's own output shows the combination weights, whatever it does to them before or after the experts. `chosen`
(tokens, columns) says which experts the block asked for.
"""

import torch


def onto_columns(like: torch.Tensor, ids: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(like).scatter_add(1, ids, values.to(like.dtype))


class Nothing(torch.nn.Module):
    """In the place of shared experts."""

    def forward(self, hidden_states, *others, **named):
        return torch.zeros_like(hidden_states)


class Indicator(torch.nn.Module):
    """Called as nearly all are: (tokens, width), (tokens, k) ids and weights. DBRX keeps the batch dimension."""

    def forward(self, hidden_states, ids, weights):
        hidden_states = hidden_states.reshape(-1, hidden_states.shape[-1])
        self.chosen = onto_columns(hidden_states, ids, torch.ones_like(weights)) > 0
        if int(self.chosen.sum()) != ids.numel():
            raise SystemExit("the block chose an expert twice")
        return onto_columns(hidden_states, ids, weights)


class ScaledInputs(torch.nn.Module):
    """Llama-4: every expert gets all tokens times their weights, 0 where it wasn't chosen. Feature 1 is 1."""

    def __init__(self, experts: int):
        super().__init__()
        self.experts = experts

    def forward(self, hidden_states):
        weights = hidden_states[:, 1].view(self.experts, -1)
        self.chosen = torch.nn.functional.pad(weights.T != 0, (0, hidden_states.shape[1] - self.experts))
        placed = hidden_states.new_zeros(*weights.shape, hidden_states.shape[1])
        for expert in range(self.experts):
            placed[expert, :, expert] = weights[expert]
        return placed.flatten(0, 1)


class Masks(torch.nn.Module):
    """Switch: (tokens, 1, experts) masks and (tokens, 1) weights."""

    def forward(self, hidden_states, masks, weights):
        masks = masks.squeeze(1)
        placed = torch.nn.functional.pad(masks * weights, (0, hidden_states.shape[1] - masks.shape[1]))
        self.chosen = torch.nn.functional.pad(masks, (0, hidden_states.shape[1] - masks.shape[1])) > 0
        return placed.to(hidden_states.dtype)


class DenseSecond(torch.nn.Module):
    """NLLB: the first choice's mask and (tokens, experts) weights, 0 for experts that weren't chosen."""

    def forward(self, hidden_states, first, weights):
        placed = torch.nn.functional.pad(weights, (0, hidden_states.shape[1] - weights.shape[1]))
        self.chosen = placed != 0
        return placed


class SortedByExpert(torch.nn.Module):
    """JetMoE: the second of two products over rows sorted by expert; then the block multiplies rows by weights."""

    def __init__(self, router: torch.nn.Module, width: int):
        super().__init__()
        self.width = width
        router.register_forward_hook(self.see)

    def see(self, router, inputs, outputs):
        _, tokens, _, counts, _ = outputs
        self.chosen = torch.zeros(len(inputs[0]), self.width, dtype=torch.bool)
        self.chosen[tokens, self.experts(counts)] = True

    def experts(self, counts):
        return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))

    def forward(self, rows, counts):
        return torch.nn.functional.one_hot(self.experts(counts), self.width).to(rows.dtype)


def install(kind: str, block: torch.nn.Module, experts: int, width: int) -> torch.nn.Module:
    if kind == "sorted_by_expert":
        made = SortedByExpert(block.router, width)
        block.output_linear = made
        torch.nn.init.zeros_(block.bias)
        return made
    made = {"indicator": Indicator, "masks": Masks, "dense_second": DenseSecond,
            "scaled_inputs": lambda: ScaledInputs(experts)}[kind]()
    block.experts = made
    return made
