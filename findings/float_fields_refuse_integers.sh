#!/bin/sh
# A whole number without ".0" in config.json makes some checkpoints unopenable, and others not.
# Guess:    JSON has one kind of number: routed_scaling_factor 16 and 16.0 are the same config.
# Happens:  a field that the class declares as float refuses 16 by its type. Which fields do so
#           differs from family to family: DeepSeek's and GLM's scaling factor, Gemma 4's soft cap and
#           Mixtral's epsilon do, Granite's multipliers take both.
# Versions: transformers 5.24.0
# Matters:  programs in languages with one type of number (JavaScript, jq before 1.7) write 16.0 back
#           as 16. After such an edit of any other key DeepSeek-V2 no longer opens, though nothing
#           that the model computes has changed.
# Source:   transformers' configuration classes are checked by huggingface_hub's strict dataclasses
#           (huggingface_hub/dataclasses.py), which compare types, not values.
. "$(dirname "$0")/common.sh"
packages "$transformers"
run <<'PY'
import json
import os
import tempfile

from finding import Finding
from transformers import AutoConfig

f = Finding("16 and 16.0 are one number", "transformers", "huggingface_hub")


def opens(model_type, field, text):
    folder = tempfile.mkdtemp(dir=os.environ["WORK"])
    with open(os.path.join(folder, "config.json"), "w") as file:
        file.write(f'{{"model_type": "{model_type}", "{field}": {text}}}')
    try:
        config = AutoConfig.from_pretrained(folder)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).split('TypeError: ')[-1][:60]}"
    return getattr(config, field) == json.loads(text)


for model_type, field, number in (("deepseek_v2", "routed_scaling_factor", 16),
                                  ("deepseek_v3", "routed_scaling_factor", 1),
                                  ("glm4_moe", "routed_scaling_factor", 1),
                                  ("gemma4_text", "final_logit_softcapping", 30),
                                  ("mixtral", "rms_norm_eps", 1)):
    whole = opens(model_type, field, f"{number}")
    f.seen(f"{model_type} opens with {field} {number}.0",
           opens(model_type, field, f"{number}.0") is True)
    f.seen(f"{model_type} doesn't with {number}", "Validation" in str(whole), whole)
for field, number in (("residual_multiplier", 1), ("embedding_multiplier", 12),
                      ("logits_scaling", 6)):
    f.seen(f"granitemoe opens with {field} {number} and {number}.0",
           all(opens("granitemoe", field, text) is True for text in (f"{number}", f"{number}.0")))
f.end()
PY
