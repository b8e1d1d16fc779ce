#!/bin/sh
# numpy's sum of a bfloat16 array is stuck at 256.
# Guess:    ml_dtypes makes bfloat16 a numpy dtype, so .sum() and .mean() do what they do for
#           float16: add in float32 or pairwise, and round at the end.
# Happens:  the running sum is a bfloat16. A thousand ones add up to 256, since 256 + 1 rounds back
#           to 256; their mean is 0.256. numpy's own float16 and torch's bfloat16 give 1000 and 1.
# Versions: numpy 2.4.6, ml_dtypes 0.6.0, torch 2.13.0
# Matters:  expert loads, mean router weights and row sums taken from bf16 dumps in numpy (as
#           safetensors.numpy or ONNX hand them out) are far too small, with no warning. Convert
#           first.
# Source:   ml_dtypes/_src/ufuncs.h (the loop of add for custom floats); numpy's documentation of
#           sum on intermediate precision, which holds for its own types.
. "$(dirname "$0")/common.sh"
packages "$torch" 'ml_dtypes==0.6.0'
run <<'PY'
import ml_dtypes
import numpy as np
import torch
from finding import Finding

f = Finding("1000 ones of bfloat16 add up to 1000", "numpy", "ml_dtypes", "torch")
ones = np.ones(1000, ml_dtypes.bfloat16)
f.seen("numpy: bfloat16 sums to 256", float(ones.sum()) == 256, ones.sum())
f.seen("with a mean near a quarter", 0.25 < float(ones.mean()) < 0.26, ones.mean())
f.seen("the same array converted first: 1000", ones.astype(np.float32).sum() == 1000)
f.seen("numpy's float16: 1000", np.ones(1000, np.float16).sum() == 1000)
f.seen("torch's bfloat16: 1000", float(torch.ones(1000, dtype=torch.bfloat16).sum()) == 1000)
# Routing weights: rows of a softmax over 64 experts, 4,000 tokens, mean weight of an expert 1/64.
z = np.random.default_rng(0).normal(size=(4000, 64)).astype(np.float32)
p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
load, true = p.astype(ml_dtypes.bfloat16).sum(0).astype(np.float32), p.sum(0)
f.seen("expert loads over 4,000 tokens lose more than half", bool((load < true / 2).all()),
       f"{load.mean():.1f} instead of {true.mean():.1f}")
f.end()
PY
