"""Quantised storage: what a checkpoint holds, and the plain tensors that it stands for.

Each function takes config.json's content and plain fp32 tensors, and gives the quantised config and tensors and the
dequantised fp32 tensors, with which what is expected is computed. On a CPU transformers 5.24 dequantises MXFP4 to the same
tensors. Of FP8 it divides a matrix evenly among its scales, which is wrong where 128 doesn't divide its sides
(kv_a_proj_with_mqa of DeepSeek-V3); else to the same.
"""

import re

import numpy as np
import torch

Tensors = dict[str, torch.Tensor]
FP8_BLOCK = 128
MXFP4_BLOCK = 32
MXFP4_VALUES = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0])


def fp8(config: dict, tensors: Tensors) -> tuple[dict, Tensors, Tensors]:
    """Linear layers but lm_head and the gate as F8_E4M3, times one F32 of weight_scale_inv for every 128 x 128 block."""
    draw = np.random.Generator(np.random.PCG64(8))
    stored, plain = {}, {}
    for name, tensor in tensors.items():
        if not re.search(r"_proj(_with_mqa)?\.weight$", name):
            stored[name] = plain[name] = tensor
            continue
        rows, columns = tensor.shape
        blocks = (-(-rows // FP8_BLOCK), -(-columns // FP8_BLOCK))
        q = torch.zeros_like(tensor, dtype=torch.float8_e4m3fn)
        scales = torch.zeros(blocks)
        full = torch.zeros_like(tensor)
        for r in range(blocks[0]):
            for c in range(blocks[1]):
                at = (slice(r * FP8_BLOCK, (r + 1) * FP8_BLOCK), slice(c * FP8_BLOCK, (c + 1) * FP8_BLOCK))
                scale = tensor[at].abs().max() / 448
                q[at] = (tensor[at] / scale).to(torch.float8_e4m3fn)
                scales[r, c] = scale * float(np.exp(0.4 * draw.standard_normal()))  # blocks differ, so order matters
                full[at] = q[at].float() * scales[r, c]
        stored[name], stored[name + "_scale_inv"], plain[name] = q, scales, full
    quantization = {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
                    "weight_block_size": [FP8_BLOCK, FP8_BLOCK]}
    return config | {"quantization_config": quantization}, stored, plain


def mxfp4(config: dict, tensors: Tensors) -> tuple[dict, Tensors, Tensors]:
    """GPT-OSS's experts: nibbles (U8, low one first) and one exponent (U8, bias 127) for 32 inputs of one output."""
    draw = np.random.Generator(np.random.PCG64(4))
    stored, plain = {}, {}
    for name, tensor in tensors.items():
        if not re.search(r"experts\.(gate_up|down)_proj$", name):
            stored[name] = plain[name] = tensor
            continue
        blocks = tensor.transpose(1, 2).unflatten(-1, (-1, MXFP4_BLOCK))  # experts, outputs, blocks, 32 inputs
        exponents = torch.floor(torch.log2(blocks.abs().amax(-1))) - 2 + torch.from_numpy(
            draw.integers(-1, 2, tuple(blocks.shape[:-1])))
        scaled = blocks / torch.exp2(exponents)[..., None]
        nibbles = (scaled[..., None] - MXFP4_VALUES).abs().argmin(-1)
        stored[name + "_blocks"] = (nibbles[..., 0::2] | nibbles[..., 1::2] << 4).to(torch.uint8)
        stored[name + "_scales"] = (exponents + 127).to(torch.uint8)
        values = MXFP4_VALUES[nibbles] * torch.exp2(exponents)[..., None]
        plain[name] = values.flatten(-2).transpose(1, 2).contiguous()
    quantization = {"modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router",
                                               "model.embed_tokens", "lm_head"], "quant_method": "mxfp4"}
    return config | {"quantization_config": quantization}, stored, plain
