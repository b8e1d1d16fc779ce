#!/bin/sh
# Without a GPU, transformers 5 reads an FP8 checkpoint with other blocks than it was written with.
# Guess:    weight_block_size [128, 128] says which weights a scale belongs to, on every device; the
#           last block of a side that 128 doesn't divide is smaller.
# Happens:  where FP8 can't be computed the weights are dequantised while loading, and the block
#           size isn't read: a side is divided evenly among its scales. 192 rows with two scales
#           become 96 and 96 instead of 128 and 64, so rows 96 to 127 get the wrong scale, without a
#           word. 576 rows with five scales don't divide and are refused. The function of the same
#           file that dequantises for the backward pass has blocks of 128.
# Versions: transformers 5.24.0, accelerate 1.15.0, torch 2.13.0
# Matters:  what a CPU computes isn't a reference for an FP8 checkpoint with such a side;
#           DeepSeek-V3's kv_a_proj_with_mqa has 576 rows. A test with sides of 128 or 256 doesn't
#           show it.
# Source:   transformers/integrations/finegrained_fp8.py (Fp8Dequantize takes the block size from
#           the shapes, _dequantize_fp8_weight is given it); quantizers/quantizer_finegrained_fp8.py
#           (dequantize is set without a GPU).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers" 'accelerate==1.15.0'
export CUDA_VISIBLE_DEVICES=  # a GPU would be used
run <<'PY'
import json
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from transformers.integrations.finegrained_fp8 import _dequantize_fp8_weight
from finding import Finding
from tiny import build

f = Finding("an FP8 weight is value x scale of its 128 x 128 block on a CPU too", "transformers",
            "accelerate", "torch")
NAME = "model.layers.0.mlp.experts.0.gate_proj.weight"


def scaled(values, scales, rows, columns=128):
    """Every value times the scale of its block of `rows` x `columns`."""
    spread = scales.repeat_interleave(rows, 0).repeat_interleave(columns, 1)
    return values.float() * spread[:values.shape[0], :values.shape[1]]


def load(width):
    """Gate matrix of expert 0, `width` rows: stored values and scales, and what loading makes."""
    model = build("Olmoe", hidden_size=256, num_attention_heads=2, num_key_value_heads=2,
                  num_hidden_layers=1, intermediate_size=width, num_experts=4)
    model.save_pretrained("m")
    stored = load_file("m/model.safetensors")
    draw = torch.Generator().manual_seed(3)
    for name in [n for n in stored if n.endswith("_proj.weight")]:
        blocks = [-(-side // 128) for side in stored[name].shape]
        stored[name] = (50 * stored[name]).to(torch.float8_e4m3fn)
        stored[name + "_scale_inv"] = torch.rand(blocks, generator=draw) + 0.5
    save_file(stored, "m/model.safetensors", {"format": "pt"})
    config = json.load(open("m/config.json"))
    config["quantization_config"] = {"quant_method": "fp8", "weight_block_size": [128, 128],
                                     "fmt": "e4m3", "activation_scheme": "dynamic"}
    json.dump(config, open("m/config.json", "w"))
    loaded, said = AutoModelForCausalLM.from_pretrained("m", dtype=torch.float32,
                                                        output_loading_info=True)
    gate = loaded.model.layers[0].mlp.experts.gate_up_proj[0, :width].detach()
    return stored[NAME], stored[NAME + "_scale_inv"], gate, said


values, scales, loaded, said = load(256)
f.seen("256 rows, two scales: blocks of 128", torch.equal(loaded, scaled(values, scales, 128)))
values, scales, loaded, said = load(192)
published = scaled(values, scales, 128)
wrong = (loaded != published).any(-1).nonzero().flatten().tolist()
f.seen("192 rows, two scales: rows 96 to 127 are others", wrong == list(range(96, 128)),
       f"first column of row 96 is {float(loaded[96, 0] / published[96, 0]):.3f} times too large")
f.seen("they are what blocks of 96 give", torch.equal(loaded, scaled(values, scales, 96)))
f.seen("loading reports nothing", not any(said.values()))
other = _dequantize_fp8_weight(values.clone(), scales, [128, 128], torch.float32)
f.seen("transformers' backward pass has blocks of 128", torch.equal(other, published))
try:
    load(576)
    refused = False
except RuntimeError:
    refused = True
f.seen("576 rows, five scales: refused", refused)
f.end()
PY
