"""The one text chain that training and serving share: text in, tokens with their places out."""

from __future__ import annotations

from pipeline.text.chain import TEXT_VERSION, NormalisedText, normalise
from pipeline.text.mask import mask
from pipeline.text.stem import stem

__all__ = ["TEXT_VERSION", "NormalisedText", "mask", "normalise", "stem"]
