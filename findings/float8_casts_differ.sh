#!/bin/sh
# torch and ml_dtypes cast the same float32 to different FP8 weights and different MX scales.
# Guess:    float8_e4m3fn and float8_e8m0fnu are fixed formats, so two libraries that round to
#           nearest give the same byte; an out-of-range value is NaN in both, since E4M3FN has no
#           infinity.
# Happens:  torch 2.13 clamps to 448, even infinity; ml_dtypes (JAX, ONNX, numpy) gives NaN from
#           just over 464. As an E8M0 scale torch takes 0 for 2^-127 and -2 for 2; ml_dtypes gives
#           NaN twice.
# Versions: torch 2.13.0, ml_dtypes 0.6.0, numpy 2.4.6
# Matters:  an FP8 or MXFP4 checkpoint made by one of them can't be checked by the other where a
#           value overflows or a block is all zero: one side shows a plausible number.
# Source:   the OCP 8-bit floating point specification allows both a saturating and a
#           non-saturating cast; torch's c10/util/Float8_e4m3fn.h and Float8_e8m0fnu.h; ml_dtypes'
#           README.
. "$(dirname "$0")/common.sh"
packages "$torch" 'ml_dtypes==0.6.0'
run <<'PY'
import math
import ml_dtypes
import numpy as np
import torch
from finding import Finding

f = Finding("a cast to FP8 gives one answer", "torch", "ml_dtypes", "numpy")


def cast(value, kind):
    with np.errstate(all="ignore"):
        other = np.float32(value).astype(getattr(ml_dtypes, kind)).astype(np.float32)
    return float(torch.tensor(value).to(getattr(torch, kind)).float()), float(other)


for value in (448.0, 460.0, -0.3):
    a, b = cast(value, "float8_e4m3fn")
    f.seen(f"E4M3FN of {value}: equal", a == b, a)
for value, clamped in ((465.0, 448.0), (1e6, 448.0), (-math.inf, -448.0)):
    a, b = cast(value, "float8_e4m3fn")
    f.seen(f"E4M3FN of {value}: torch {clamped}, ml_dtypes NaN", a == clamped and math.isnan(b),
           a, b)
for value in (1.5, 3.0, 2.5, 6.0):
    a, b = cast(value, "float8_e8m0fnu")
    f.seen(f"E8M0 of {value}: equal", a == b, a)
for value, given in ((0.0, 2.0**-127), (-2.0, 2.0)):
    a, b = cast(value, "float8_e8m0fnu")
    f.seen(f"E8M0 of {value}: torch {given:g}, ml_dtypes NaN", a == given and math.isnan(b), a, b)
f.end()
PY
