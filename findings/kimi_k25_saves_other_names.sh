#!/bin/sh
# Kimi-K2.5 saved by transformers 5 has other tensor names than the published files.
# Guess:    save_pretrained runs the renaming of loading backwards, so a checkpoint that was loaded
#           and saved has the names that it had.
# Happens:  loading turns "blocks" into "layers" wherever it stands in a name, for the vision tower;
#           saving turns every "layers" back, the text model's too. language_model.model.layers.N is
#           written as language_model.model.blocks.N; two parts of the tower and the projector come
#           back under other names too. transformers reads its own file, values are untouched.
# Versions: transformers 5.24.0, safetensors 0.8.0, torch 2.13.0
# Matters:  a reader written for the published files doesn't find the layers of a fine-tuned or
#           pruned Kimi-K2.5. save_pretrained doesn't make a test file with the published names.
# Source:   transformers/conversion_mapping.py ("kimi_k25": the rule blocks -> layers has no
#           prefix); transformers/core_model_loading.py (rules reversed for saving).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import os
import shutil
import torch
from safetensors.torch import load_file, save_file
from transformers import Kimi_K25Config, Kimi_K25ForConditionalGeneration
from finding import Finding
from tiny import LATENT, SHAPE

f = Finding("a checkpoint that is loaded and saved keeps its tensor names", "transformers",
            "safetensors", "torch")
text = dict(SHAPE, **LATENT, n_routed_experts=4, n_group=1, topk_group=1, first_k_dense_replace=1,
            n_shared_experts=1, pad_token_id=0)
vision = dict(hidden_size=8, intermediate_size=8, num_attention_heads=1, num_hidden_layers=1,
              patch_size=2, pos_emb_height=2, pos_emb_width=2, pos_emb_time=1,
              merge_kernel_size=[1, 1])
torch.manual_seed(0)
model = Kimi_K25ForConditionalGeneration(Kimi_K25Config(
    text_config=text, vision_config=vision, projection_hidden_size=8, tie_word_embeddings=False))
model.save_pretrained("first")

# The published names: language_model.* as DeepSeek-V3's, vision_tower.*, mm_projector.*.
os.makedirs("published")
shutil.copy("first/config.json", "published")
SAVED = {"language_model.model.layers.": "language_model.model.blocks.",
         "vision_tower.patch_embed.proj.": "vision_tower.encoder.patch_embed.proj.",
         "mm_projector.pre_norm.": "model.mm_projector.pre_norm."}


def renamed(name, names):
    return next((new + name.removeprefix(old) for old, new in names.items()
                 if name.startswith(old)), name)


published = {renamed(n, {new: old for old, new in SAVED.items()}): t
             for n, t in load_file("first/model.safetensors").items()}
save_file(published, "published/model.safetensors", {"format": "pt"})
loaded, said = Kimi_K25ForConditionalGeneration.from_pretrained("published",
                                                                output_loading_info=True)
f.seen("a file with the published names loads, nothing missing or unexpected",
       not any(said.values()) and all(torch.equal(t, loaded.state_dict()[n])
                                      for n, t in model.state_dict().items()))
loaded.save_pretrained("again")
again = load_file("again/model.safetensors")
f.seen("saved again, it holds the same tensors under other names",
       set(again) == {renamed(n, SAVED) for n in published}
       and all(torch.equal(again[renamed(n, SAVED)], t) for n, t in published.items()))
for old, new in SAVED.items():
    count = sum(n.startswith(old) for n in published)
    f.seen(f"{old}* is {new}*", count > 0 and not any(n.startswith(old) for n in again),
           f"{count} tensors")
_, said = Kimi_K25ForConditionalGeneration.from_pretrained("again", output_loading_info=True)
f.seen("transformers reads that file too", not any(said.values()))
f.end()
PY
