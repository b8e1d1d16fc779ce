#!/bin/sh
# Three quantisers run over a transformers 5 MoE and leave nearly all of its weights alone.
# Guess:    int8 or int4 on "all linear layers" quantises the experts, most of the model, and the
#           router too unless it is excluded by name.
# Happens:  since version 5 the experts are two three-dimensional parameters and the router a bare
#           matrix, none of them an nn.Linear. torchao, optimum-quanto and compressed-tensors
#           quantise the attention projections and return without a word.
# Versions: transformers 5.24.0, torchao 0.18.0, optimum-quanto 0.2.7, compressed-tensors 0.20.1,
#           torch 2.13.0
# Matters:  "quantisation doesn't move the routes" is easy to show where neither router nor experts
#           were quantised. A study has to state which tensors changed, by name.
# Source:   torchao/quantization/quant_api.py (default filter), optimum/quanto/quantize.py,
#           compressed_tensors/quantization/lifecycle/apply.py (targets ["Linear"]);
#           transformers/models/olmoe/modeling_olmoe.py (the parameters).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers" \
  'torchao==0.18.0 optimum-quanto==0.2.7 compressed-tensors==0.20.1'
run <<'PY'
from finding import Finding
from tiny import build


def torchao(model):
    from torchao.quantization import Int8WeightOnlyConfig, quantize_
    quantize_(model, Int8WeightOnlyConfig())
    return {n.removesuffix(".weight") for n, p in model.named_parameters()
            if type(p).__name__ == "Int8Tensor"}


def quanto(model):
    from optimum.quanto import freeze, qint8, quantize
    quantize(model, weights=qint8)
    freeze(model)
    return {n for n, m in model.named_modules()
            if type(getattr(m, "weight", None)).__name__ == "WeightQBytesTensor"}


def compressed_tensors(model):
    from compressed_tensors.quantization import (QuantizationArgs, QuantizationConfig,
                                                 QuantizationScheme, apply_quantization_config)
    scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(num_bits=4))
    apply_quantization_config(model, QuantizationConfig(config_groups={"all": scheme}))
    return {n for n, m in model.named_modules() if hasattr(m, "quantization_scheme")}


f = Finding("all linear maps of an MoE are quantised", "transformers", "torchao", "optimum-quanto",
            "compressed-tensors", "torch")
for quantise in (torchao, quanto, compressed_tensors):
    model = build("Olmoe", num_experts=64)
    total = sum(p.numel() for p in model.parameters())
    experts = sum(p.numel() for n, p in model.named_parameters() if ".mlp." in n)
    done = quantise(model)
    f.seen(f"{quantise.__name__}: attention is quantised",
           sum(".self_attn." in n for n in done) == 8)
    f.seen(f"{quantise.__name__}: neither experts nor router are",
           not any(".mlp" in n for n in done), f"{100 * experts // total} % of the weights")
f.end()
PY
