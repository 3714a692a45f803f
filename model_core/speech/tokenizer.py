"""The speech model's two alphabets: byte-level syllables for the decoder, jamo for the encoder's training head.

A token never spans two characters, so nearly every Hangul syllable in use is one token, and all 256 bytes are present,
so nothing is out of vocabulary. It does not know audio or models.
"""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

END, START, NO_TIMESTAMPS = "<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"
# The order is Whisper's own; faster-whisper looks these up by name and takes what follows the last for time tokens.
SPECIAL = (
    *(END, START, "<|en|>", "<|ko|>", "<|translate|>", "<|transcribe|>"),
    *("<|startoflm|>", "<|startofprev|>", "<|nospeech|>", NO_TIMESTAMPS),
)
NUM_TIME_TOKENS = 1501
TIME_STEP_S = 0.02

_FIRST_LEAD, _FIRST_VOWEL, _FIRST_TAIL, _SILENT_LEAD = 0x1100, 0x1161, 0x11A8, 0x110B
_NUM_LEADS, _NUM_VOWELS, _NUM_TAILS = 19, 21, 27
NUM_JAMO = 1 + _NUM_LEADS + _NUM_VOWELS + _NUM_TAILS
BLANK = 0


def train_tokenizer(texts: Iterable[str], num_text_tokens: int) -> Tokenizer:
    """Learn `num_text_tokens` byte-level tokens from `texts`, then add Whisper's special and time tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex("[\\s\\S]"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=num_text_tokens, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator((unicodedata.normalize("NFC", text) for text in texts), trainer)
    times = [f"<|{step * TIME_STEP_S:.2f}|>" for step in range(NUM_TIME_TOKENS)]
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    tokenizer.add_tokens([AddedToken(name, special=False, normalized=False) for name in times])
    return tokenizer


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read `tokenizer.json` of a model folder."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write the files by which both faster-whisper and transformers' Whisper classes find the vocabulary."""
    tokenizer.save(str(folder / "tokenizer.json"))
    model = json.loads(tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False), encoding="utf-8")
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    settings = {
        "tokenizer_class": "WhisperTokenizer",
        "bos_token": END,
        "eos_token": END,
        "unk_token": END,
        "additional_special_tokens": list(SPECIAL[1:]),
        "model_max_length": 448,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")


def special_id(tokenizer: Tokenizer, name: str) -> int:
    """Return the number of a special token. Raises KeyError when the vocabulary lacks it."""
    number = tokenizer.token_to_id(name)
    if number is None:
        raise KeyError(f"the vocabulary has no token {name}")
    return int(number)


def prompt_ids(tokenizer: Tokenizer) -> list[int]:
    """Return the decoder's prompt, the one that faster-whisper builds for an English-only model without timestamps."""
    return [special_id(tokenizer, START), special_id(tokenizer, NO_TIMESTAMPS)]


def jamo_ids(text: str) -> list[int]:
    """Return the sounds of Hangul `text` as numbers from 1 (0 is the blank), without spaces, marks and silent leads."""
    ids: list[int] = []
    for letter in unicodedata.normalize("NFD", text):
        code = ord(letter)
        if _FIRST_LEAD <= code < _FIRST_LEAD + _NUM_LEADS and code != _SILENT_LEAD:
            ids.append(1 + code - _FIRST_LEAD)
        elif _FIRST_VOWEL <= code < _FIRST_VOWEL + _NUM_VOWELS:
            ids.append(1 + _NUM_LEADS + code - _FIRST_VOWEL)
        elif _FIRST_TAIL <= code < _FIRST_TAIL + _NUM_TAILS:
            ids.append(1 + _NUM_LEADS + _NUM_VOWELS + code - _FIRST_TAIL)
    return ids


def text_of(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """Decode text tokens, leaving out everything from `<|endoftext|>` upwards."""
    end = special_id(tokenizer, END)
    return str(tokenizer.decode([number for number in ids if number < end]))
