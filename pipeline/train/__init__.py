"""Beside the flow: how a model is made, measured and described."""
