"""A checkpoint as a net with our heads; refuses what is none of the BERT family, or was taught other labels."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers

from pipeline.classify.heads import HEADS
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

FAMILY = ("albert", "bert", "distilbert", "electra", "roberta", "xlm-roberta")
HOAX_STYLE = -8.0
"""The logit of `hoax_style`, which is not learnt: near 0, and the same for every text."""
_OFFSET = 2  # places that the RoBERTa family keeps for itself


class BertNet(torch.nn.Module):
    """The body of a BERT and one linear layer on its first token: ids and mask in, logits (texts, heads) out."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body
        self.dropout = torch.nn.Dropout(0.1)
        self.heads = torch.nn.Linear(body.config.hidden_size, len(HEADS))
        torch.nn.init.normal_(self.heads.weight, std=0.02)
        torch.nn.init.zeros_(self.heads.bias)
        with torch.no_grad():
            self.heads.weight[-1].zero_()
            self.heads.bias[-1] = HOAX_STYLE

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        """Logits, shape (texts, heads)."""
        found = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.heads(self.dropout(found[:, 0]))

    def digest(self) -> str:
        """SHA-256 of all weights, to say in the card which checkpoint was taken."""
        made = sha256()
        for name, values in sorted(self.body.state_dict().items()):
            made.update(name.encode())
            made.update(values.detach().cpu().contiguous().numpy().tobytes())
        return made.hexdigest()


def load_checkpoint(checkpoint: str, length: int) -> tuple[BertNet, str]:
    """The net and its tokenizer (as tokenizer.json) of a local folder or of a name on the hub; raises ConfigError."""
    with quiet():
        config = _tried(checkpoint, lambda: transformers.AutoConfig.from_pretrained(checkpoint))
        _check_config(config, checkpoint, length)
        tokenizer = _tokenizer(checkpoint)
        body, report = _tried(
            checkpoint,
            lambda: transformers.AutoModel.from_pretrained(
                checkpoint, config=config, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
            ),
        )
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing or report.get("mismatched_keys"):
        raise _refused(checkpoint, _("it lacks weights of its net ({names} ...)").format(names=", ".join(missing[:3])))
    if tokenizer.get_vocab_size() > config.vocab_size:
        raise _refused(checkpoint, _("its tokenizer knows more words than its net: they do not belong together"))
    return BertNet(body), tokenizer.to_str()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to itself what the libraries say while they load and export: nobody can act on it."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            transformers.utils.logging.disable_progress_bar()
            yield
    finally:
        logging.disable(before)


def _check_config(config: Any, checkpoint: str, length: int) -> None:
    if config.model_type not in FAMILY or getattr(config, "is_decoder", False):
        raise _refused(
            checkpoint,
            _("it is of the kind {found}; known kinds: {kinds}").format(
                found=config.model_type, kinds=", ".join(FAMILY)
            ),
        )
    fine_tuned = any("Classification" in name for name in config.architectures or ())
    if fine_tuned and tuple(config.id2label.values()) != HEADS:
        labels = ", ".join(str(label) for label in list(config.id2label.values())[:4])
        raise _refused(
            checkpoint,
            _("it was taught other labels ({labels}); name the checkpoint that it was made from").format(labels=labels),
        )
    places = config.max_position_embeddings - (_OFFSET if "roberta" in config.model_type else 0)
    if length > places:
        raise _refused(checkpoint, _("it reads {places} tokens at most; give a smaller --length").format(places=places))


def _tokenizer(checkpoint: str) -> Any:
    """The fast tokenizer, as serving reads it."""
    path = Path(checkpoint) / "tokenizer.json"
    if path.is_file():
        found = _tried(checkpoint, lambda: tokenizers.Tokenizer.from_file(str(path)))
    elif Path(checkpoint).is_dir() and not (Path(checkpoint) / "vocab.txt").is_file():
        raise _refused(checkpoint, _("it has no tokenizer.json or vocab.txt; put the tokenizer's files beside the net"))
    else:
        slow = _tried(checkpoint, lambda: transformers.AutoTokenizer.from_pretrained(checkpoint))
        found = getattr(slow, "backend_tokenizer", None)
    if found is None:
        raise _refused(checkpoint, _("its tokenizer cannot be written as tokenizer.json"))
    found.no_padding()
    found.no_truncation()
    return found


def _tried(checkpoint: str, work: Any) -> Any:
    """What the hub's libraries give; they raise errors of a dozen classes, some straight from Exception."""
    try:
        return work()
    except Exception as error:
        if type(error).__name__ == "UnpicklingError":  # torch reads weights only, and says how to read the rest
            raise _refused(checkpoint, _("its file holds more than weights, and is not read")) from error
        says = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise _refused(checkpoint, says[0][:200]) from error


def _refused(checkpoint: str, reason: str) -> ConfigError:
    return ConfigError(
        _("the checkpoint {name} cannot be used: {reason}. Give the folder or hub name of a BERT-like net").format(
            name=checkpoint, reason=reason.rstrip(".")
        )
    )
