#!/bin/sh
# GGUF's Q8_0 stores small weights worse than Q4_0 does.
# Guess:    block quantisation is relative: Q8_0 errs by about 0.4 % of a block's maximum at any
#           scale, Q4_0 by 7 %, so eight bits are always better than four.
# Happens:  the scale of a block is a float16: maximum / 127 in Q8_0, maximum / 8 in Q4_0. Below
#           about 0.008 Q8_0's scale is subnormal and loses bits. With weights around 1e-5 it errs
#           about as much as Q4_0, at 1e-6 it zeroes or distorts everything where Q4_0 still holds.
# Versions: gguf 0.19.0, numpy 2.4.6
# Matters:  routers and shared-expert gates with small weights, and tensors that absorb a norm's
#           scale. A study of router precision must look at the tensor's scale, not at the format's
#           name.
# Source:   gguf/quants.py (classes Q8_0 and Q4_0: the scale d is written as float16).
. "$(dirname "$0")/common.sh"
packages 'gguf==0.19.0 numpy==2.4.6'
run <<'PY'
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants
from finding import Finding

f = Finding("Q8_0 is closer than Q4_0 at every scale", "gguf", "numpy")
weights = np.random.default_rng(0).normal(size=(64, 256)).astype(np.float32)


def error(kind, scale):
    x = weights * np.float32(scale)
    return float(np.abs(quants.dequantize(quants.quantize(x, kind), kind) - x).max()
                 / np.abs(x).max())


for scale in (1.0, 1e-3):
    q8, q4 = error(Type.Q8_0, scale), error(Type.Q4_0, scale)
    f.seen(f"weights around {scale:g}: Q8_0 is ten times closer", q8 < q4 / 10,
           f"Q8_0 {100 * q8:.2f} %", f"Q4_0 {100 * q4:.2f} %")
q8, q4 = error(Type.Q8_0, 1e-5), error(Type.Q4_0, 1e-5)
f.seen("around 1e-5: hardly closer", q8 > 0.8 * q4, f"Q8_0 {100 * q8:.1f} %",
       f"Q4_0 {100 * q4:.1f} %")
q8, q4 = error(Type.Q8_0, 1e-6), error(Type.Q4_0, 1e-6)
f.seen("around 1e-6: more than half of the largest weight is lost, four bits lose a fifth at most",
       q8 > 0.5 and q4 < 0.2, f"Q8_0 {100 * q8:.1f} %", f"Q4_0 {100 * q4:.1f} %")
f.end()
PY
