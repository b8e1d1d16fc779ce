"""Classes that look like routers of experts and aren't, with what they are."""

OTHER = {
    "axk2.AXK2GateMLP": "gate of a norm",
    "bailing_hybrid.BailingHybridForgetGate": "decay of linear attention",
    "d_fine.DFineGate": "mixes two streams",
    "dbrx.DbrxRouter": "logits alone; DbrxFFN chooses",
    "deimv2.Deimv2Gate": "mixes two streams",
    "ernie4_5_vl_moe.Ernie4_5_VLMoeMoeBlock": "holds two blocks with their routers, for text and for images",
    "glm5_next.Glm5NextTextForgetGate": "decay of linear attention",
    "granite_docling.GraniteDoclingDensityRouter": "how many image tokens to use",
    "inkling2_loop.Inkling2LoopMessageGate": "mixes two streams",
    "jetmoe.JetMoeAttention": "holds a block of experts with its router",
    "kimi_linear.KimiLinearForgetGate": "decay of linear attention",
    "kyutai_speech_to_text.KyutaiSpeechToTextGatingMLP": "gated MLP",
    "longcat_flash.LongcatFlashExperts": "the experts",
    "moshi.MoshiGatingMLP": "gated MLP",
    "muse_spark.MuseSparkResidualGate": "gate of a residual",
    "switch_transformers.SwitchTransformersForConditionalGeneration": "takes an argmax for its loss only",
    "zaya.ZayaRouterMLP": "part of ZayaRouter",
}
