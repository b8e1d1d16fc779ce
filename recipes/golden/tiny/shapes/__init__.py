"""One module per model_type, each with a FAMILY: how its weights are drawn, how its gate ranks, which checkpoints to make."""
