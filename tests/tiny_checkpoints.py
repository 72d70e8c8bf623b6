"""Very small neural networks in Hugging Face's format, with weights at random, for tests where PyTorch is installed."""

from pathlib import Path
from typing import Any

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "river", "sea", "tax", "law", "click", "here"]
MAX_TOKENS = 24


def save_checkpoint(folder: Path, *, kind: str, labels: tuple[str, ...] = ("bad", "good"), seed: int = 0) -> str:
    """A BERT of one layer as `encoder`, or as `classifier` with these labels."""
    import tokenizers
    import torch
    import transformers

    words = tokenizers.models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(words)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=MAX_TOKENS, **special
    ).save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": len(WORDS),
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": MAX_TOKENS,
        "initializer_range": 0.5,
    }
    if kind == "classifier":
        sizes |= {"id2label": dict(enumerate(labels)), "label2id": {name: i for i, name in enumerate(labels)}}
    torch.manual_seed(seed)
    classes = {"encoder": transformers.BertModel, "classifier": transformers.BertForSequenceClassification}
    classes[kind](transformers.BertConfig(**sizes)).save_pretrained(folder)
    return str(folder)
