"""Writes a Hugging Face folder (bf16, per-expert tensor names) from a training checkpoint and checks that
transformers' OlmoeForCausalLM computes the same function from it."""

import argparse
import json
import os
import shutil
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoTokenizer, OlmoeConfig, OlmoeForCausalLM

import settings
from data import windows
from model import Model


def config(layers):
    tokenizer = Tokenizer.from_file(os.path.join(settings.WORK, "tokenizer", "tokenizer.json"))
    return {
        "architectures": ["OlmoeForCausalLM"],
        "model_type": "olmoe",
        "vocab_size": settings.VOCAB,
        "hidden_size": settings.HIDDEN,
        "intermediate_size": settings.EXPERT_WIDTH,
        "num_hidden_layers": layers,
        "num_attention_heads": settings.HEADS,
        "num_key_value_heads": settings.KEY_VALUE_HEADS,
        "num_experts": settings.EXPERTS,
        "num_experts_per_tok": settings.EXPERTS_PER_TOKEN,
        "norm_topk_prob": False,
        "clip_qkv": None,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "hidden_act": "silu",
        "initializer_range": 0.05,
        "max_position_embeddings": settings.POSITIONS,
        "output_router_logits": False,
        "rms_norm_eps": settings.NORM_EPSILON,
        "rope_scaling": None,
        "rope_theta": settings.ROPE_THETA,
        "router_aux_loss_coef": settings.BALANCE_COEFFICIENT,
        "tie_word_embeddings": True,
        "use_cache": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.token_to_id(settings.END_OF_TEXT),
        "pad_token_id": None,
        "torch_dtype": "bfloat16",
    }


def tensors(state):
    """Names and layout of the public OLMoE checkpoints: (out, in) matrices, one per expert and projection."""
    named = {}
    for name, value in state.items():
        value = value.to(torch.bfloat16)
        if name.endswith(("mlp.gate_up", "mlp.down")):
            stem = "model." + name.rsplit(".", 1)[0]
            for expert in range(settings.EXPERTS):
                matrix = value[expert].T
                prefix = f"{stem}.experts.{expert}"
                if name.endswith("down"):
                    named[f"{prefix}.down_proj.weight"] = matrix.contiguous()
                else:
                    gate, up = matrix.split(settings.EXPERT_WIDTH)
                    named[f"{prefix}.gate_proj.weight"] = gate.contiguous()
                    named[f"{prefix}.up_proj.weight"] = up.contiguous()
        else:
            named["model." + name] = value.contiguous()
    return dict(sorted(named.items()))


def layers_of(state):
    return len({name.split(".")[1] for name in state if name.startswith("layers.")})


def write(state, folder):
    stated = config(layers_of(state))
    os.makedirs(folder, exist_ok=True)
    save_file(tensors(state), os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(stated, file, indent=2)
        file.write("\n")
    with open(os.path.join(folder, "generation_config.json"), "w", encoding="utf-8") as file:
        json.dump({"eos_token_id": stated["eos_token_id"]}, file, indent=2)
        file.write("\n")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(os.path.join(settings.WORK, "tokenizer", name), os.path.join(folder, name))


def difference(state, folder):
    """Largest difference of logits between the trainer's model (weights rounded to bf16, fp32 arithmetic) and
    transformers', relative to the largest logit, on two windows of each domain."""
    ours = Model(layers_of(state))
    ours.load_state_dict({name: value.to(torch.bfloat16).float() for name, value in state.items()})
    ours.set_product_type(torch.float32)
    theirs, report = OlmoeForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    leftovers = {key: report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if report[key]}
    if leftovers:
        sys.exit(f"error: transformers does not load {folder} as it is: {leftovers}")
    wrapped = AutoTokenizer.from_pretrained(folder)
    plain = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    text = "Naïve façade — if x != 0 {\n\treturn 1e-5\n}"
    if wrapped(text)["input_ids"] != plain.encode(text).ids or wrapped.decode(plain.encode(text).ids) != text:
        sys.exit("error: AutoTokenizer does not agree with the tokenizer that was trained")
    tokens = torch.cat([windows(plain, "valid", domain)[:2] for domain in settings.DOMAINS])
    with torch.no_grad():
        expected = theirs(tokens).logits
        found = ours.logits(ours.hidden(tokens)[0])
    return ((found - expected).abs().max() / expected.abs().max()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("folder")
    options = parser.parse_args()
    torch.set_num_threads(settings.THREADS)
    state = torch.load(options.checkpoint, weights_only=True)["model"]
    write(state, options.folder)
    found = difference(state, options.folder)
    size = os.path.getsize(os.path.join(options.folder, "model.safetensors"))
    print(f"{options.folder}: {size} bytes of weights; logits differ from transformers' by {found:.1e} of their scale")
    if found > 1e-4:
        sys.exit("error: the trainer's forward pass is not OlmoeForCausalLM's")
    if size > 8_000_000:
        sys.exit("error: the checkpoint exceeds 8,000,000 bytes")


if __name__ == "__main__":
    main()
