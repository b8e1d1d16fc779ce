#!/usr/bin/env python3
"""A pass of transformers (eager, f32) over the benchmark's checkpoint, with a hook on every router.

    peer.py FOLDER IDS

IDS: a JSON list of windows, each a list of token ids. Prints one line: seconds of the forward passes
(the model is loaded before) and the process's peak memory in bytes. Needs torch and transformers.
"""
import json
import sys
import time

import torch
import transformers

BATCH = 8  # windows


def main():
    folder, ids = sys.argv[1:]
    with open(ids) as file:
        windows = torch.tensor(json.load(file))
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager"
    ).eval()
    logits = []
    hooks = [
        module.register_forward_hook(lambda _, __, out: logits.append(out[0].detach().clone()))
        for name, module in model.named_modules()
        if name.endswith("mlp.gate")
    ]
    assert hooks, "no router in this model"
    with torch.inference_mode():
        model.model(windows[:1])
        logits.clear()
        start = time.perf_counter()
        for first in range(0, len(windows), BATCH):
            model.model(windows[first : first + BATCH], use_cache=False)
        seconds = time.perf_counter() - start
    rows = sum(len(batch) for batch in logits)
    assert rows == windows.numel() * len(hooks), (rows, len(hooks))
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    print(transformers.__version__, torch.__version__, seconds, peak)


main()
