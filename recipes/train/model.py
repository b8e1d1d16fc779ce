"""OLMoE for training: the same function as transformers' OlmoeForCausalLM (export.py checks that), with all
experts of a layer done in two batched products, because a loop over 16 narrow experts is slow on a CPU.

Mixed precision: master weights, norms, residual stream, router and losses are fp32; the inputs of the large
products are rounded to Model.product_type (bf16 while training, fp32 for the check against transformers)."""

import torch
from torch import nn
from torch.nn import functional as F

import settings

LOSS_CHUNK = 512


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight, settings.NORM_EPSILON)


def rotary_tables(length):
    """cos and sin, (length, head width), half-split pairing."""
    width = settings.HIDDEN // settings.HEADS
    frequency = settings.ROPE_THETA ** (-torch.arange(0, width, 2).float() / width)
    angle = torch.arange(length).float()[:, None] * frequency[None, :]
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    low, high = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-high, low], dim=-1) * sin


class Product(nn.Linear):
    """A bias-free matrix whose product is taken in the module's product_type and returned in fp32."""

    product_type = torch.bfloat16

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x):
        return F.linear(x.to(self.product_type), self.weight.to(self.product_type)).float()


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        hidden, head = settings.HIDDEN, settings.HIDDEN // settings.HEADS
        self.q_proj = Product(hidden, hidden)
        self.k_proj = Product(hidden, head * settings.KEY_VALUE_HEADS)
        self.v_proj = Product(hidden, head * settings.KEY_VALUE_HEADS)
        self.o_proj = Product(hidden, hidden)
        self.q_norm = Norm(hidden)
        self.k_norm = Norm(head * settings.KEY_VALUE_HEADS)

    def forward(self, x, cos, sin):
        count, length, hidden = x.shape
        head = hidden // settings.HEADS

        def heads(y):
            return y.view(count, length, -1, head).transpose(1, 2)

        q = rotate(heads(self.q_norm(self.q_proj(x))), cos, sin)
        k = rotate(heads(self.k_norm(self.k_proj(x))), cos, sin)
        v = heads(self.v_proj(x))
        group = settings.HEADS // settings.KEY_VALUE_HEADS
        y = F.scaled_dot_product_attention(
            q, k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1), is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(count, length, hidden))


class Experts(nn.Module):
    """Router and experts. Returns the update and the terms of the two router losses."""

    product_type = torch.bfloat16

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(settings.HIDDEN, settings.EXPERTS, bias=False)
        shape = (settings.EXPERTS, settings.HIDDEN, 2 * settings.EXPERT_WIDTH)
        self.gate_up = nn.Parameter(torch.empty(shape))  # (expert, hidden, gate then up)
        self.down = nn.Parameter(torch.empty(settings.EXPERTS, settings.EXPERT_WIDTH, settings.HIDDEN))

    def forward(self, x):
        count, k = x.shape[0], settings.EXPERTS_PER_TOKEN
        logits = self.gate(x)
        scores = logits.softmax(dim=-1)
        weights, chosen = scores.topk(k, dim=-1)  # used as they are: norm_topk_prob is false

        # Sort the (token, slot) pairs by expert and give each expert a padded block of rows.
        flat = chosen.reshape(-1)
        order = flat.argsort(stable=True)
        load = torch.bincount(flat, minlength=settings.EXPERTS)
        rows = int(load.max())
        expert = flat[order]
        place = expert * rows + torch.arange(count * k) - (load.cumsum(0) - load)[expert]
        source = order // k

        total = settings.EXPERTS * rows
        low = x.to(self.product_type)
        packed = low.new_zeros(total, x.shape[1]).index_copy(0, place, low.index_select(0, source))
        scale = x.new_zeros(total).index_copy(0, place, weights.reshape(-1).index_select(0, order))
        joined = torch.bmm(packed.view(settings.EXPERTS, rows, -1), self.gate_up.to(self.product_type))
        gate, up = joined.chunk(2, dim=-1)
        inner = F.silu(gate) * up * scale.view(settings.EXPERTS, rows, 1).to(self.product_type)
        outer = torch.bmm(inner, self.down.to(self.product_type)).view(total, -1)
        update = torch.zeros_like(x).index_add(0, source, outer.index_select(0, place).float())

        share = load.float() / (count * k)
        balance = settings.EXPERTS * (share * scores.mean(dim=0)).sum()
        z = logits.logsumexp(dim=-1).square().mean()
        return update, balance, z


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_layernorm = Norm(settings.HIDDEN)
        self.self_attn = Attention()
        self.post_attention_layernorm = Norm(settings.HIDDEN)
        self.mlp = Experts()

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        update, balance, z = self.mlp(self.post_attention_layernorm(x).view(-1, x.shape[-1]))
        return x + update.view_as(x), balance, z


class Model(nn.Module):
    product_type = torch.bfloat16

    def __init__(self, layers=settings.LAYERS, seed=settings.SEED):
        super().__init__()
        self.embed_tokens = nn.Embedding(settings.VOCAB, settings.HIDDEN)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.norm = Norm(settings.HIDDEN)
        generator = torch.Generator().manual_seed(seed)
        residual = ("o_proj.weight", "mlp.down")
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                scale = 0.05 / (2 * layers) ** 0.5 if name.endswith(residual) else 0.05
                nn.init.normal_(parameter, 0.0, scale, generator=generator)

    def set_product_type(self, product_type):
        for module in self.modules():
            if isinstance(module, (Product, Experts, Model)):
                module.product_type = product_type

    def hidden(self, tokens):
        """tokens (windows, length) -> normed last hidden state (windows, length, hidden), mean balance loss,
        mean z loss."""
        cos, sin = rotary_tables(tokens.shape[1])
        x = self.embed_tokens(tokens)
        balances, zs = [], []
        for layer in self.layers:
            x, balance, z = layer(x, cos, sin)
            balances.append(balance)
            zs.append(z)
        return self.norm(x), torch.stack(balances).mean(), torch.stack(zs).mean()

    def logits(self, hidden):
        """The embedding matrix is also the output matrix."""
        weight = self.embed_tokens.weight.to(self.product_type)
        return F.linear(hidden.to(self.product_type), weight).float()

    def forward(self, tokens, targets):
        """Loss of every token in nats (windows, length), and the two router losses. The logits are made in
        chunks: all at once they are the largest array of the step."""
        hidden, balance, z = self.hidden(tokens)
        chunks = zip(hidden.flatten(0, 1).split(LOSS_CHUNK), targets.flatten().split(LOSS_CHUNK))
        losses = [F.cross_entropy(self.logits(h), t, reduction="none") for h, t in chunks]
        return torch.cat(losses).view(targets.shape), balance, z
