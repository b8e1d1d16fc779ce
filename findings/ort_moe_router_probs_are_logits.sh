#!/bin/sh
# ONNX Runtime's MoE operator wants logits in its input "router_probs", and skips an attribute
# unsaid.
# Guess:    the input is what its name says, the router's probabilities; use_sparse_mixer=1 gives
#           Phi-3.5-MoE's gate or an error.
# Happens:  the CPU kernel takes a softmax of the input. Probabilities 0.50 and 0.30 become weights
#           0.32 and 0.26: same experts, other weights. Their logarithms give 0.50 and 0.30.
#           use_sparse_mixer changes nothing on the CPU, without a message.
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6
# Matters:  an exported model, or a dump of this input, has weights of another gate; routes alone
#           don't show it, since a softmax keeps the order.
# Source:   onnxruntime's ContribOperators.md, com.microsoft.MoE (input router_probs, attributes k,
#           normalize_routing_weights, use_sparse_mixer); onnxruntime/contrib_ops/cpu/moe/.
. "$(dirname "$0")/common.sh"
packages 'onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6'
run <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from finding import Finding

EXPERTS, WIDTH, INNER = 4, 4, 8


def moe(router, **attributes):
    """Output for the input (1, 1, 1, 1); expert e puts 1 into place e, so it shows the weights."""
    up = np.zeros((EXPERTS, INNER, WIDTH), np.float32)
    down = np.zeros((EXPERTS, WIDTH, INNER), np.float32)
    for e in range(EXPERTS):
        up[e, 0, 0] = down[e, e, 0] = 1
    node = helper.make_node("MoE", ["x", "router_probs", "up", "", "down"], ["y"],
                            domain="com.microsoft", activation_type="relu", k=2, **attributes)
    def float_value(name):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, WIDTH])
    graph = helper.make_graph([node], "moe", [float_value("x"), float_value("router_probs")],
                              [float_value("y")], [numpy_helper.from_array(up, "up"),
                                                   numpy_helper.from_array(down, "down")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21),
                                                    helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 10
    session = onnxruntime.InferenceSession(model.SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.ones((1, WIDTH), np.float32), "router_probs": router})[0][0]


f = Finding("router_probs are probabilities", "onnxruntime", "onnx", "numpy")
p = np.array([[0.5, 0.3, 0.15, 0.05]], np.float32)
softened = np.exp(p[0]) / np.exp(p[0]).sum()
given = moe(p)
f.seen("probabilities are put through a softmax again",
       np.allclose(given[:2], softened[:2], atol=1e-5) and not np.allclose(given[:2], p[0, :2]),
       given)
logs = moe(np.log(p))
f.seen("their logarithms come out as stated", np.allclose(logs[:2], p[0, :2], atol=1e-5), logs)
f.seen("two experts either way", list(given > 0) == list(logs > 0) == [True, True, False, False])
close = np.array([[2.0, 1.99, 1.5, -3.0]], np.float32)
f.seen("use_sparse_mixer=1 gives the same bits as 0",
       np.array_equal(moe(close, use_sparse_mixer=1), moe(close, use_sparse_mixer=0)),
       moe(close, use_sparse_mixer=1))
f.end()
PY
