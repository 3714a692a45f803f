"""The tokenizer of the summarizer: byte-level BPE over Korean, with tokens for lines, parties, sections and codes.

It writes and reads the stock tokenizer files, so `transformers.AutoTokenizer` and any server load the same folder. It
knows what the structure tokens are called and nothing of the order they stand in (see `summary_format`).
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from model_core.data.call import CATEGORIES, OUTCOMES, SENTIMENTS, VALUE_CLOSE, VALUE_OPEN
from model_core.errors import DataError

END_OF_TEXT: Final = "<|endoftext|>"
USER: Final = "<|user|>"
ASSISTANT: Final = "<|assistant|>"
MAX_LINES: Final = 200
PARTIES: Final = ("A", "B")
SECTIONS: Final = (
    "title",
    "one",
    "topic",
    "point",
    "action",
    "who",
    "what",
    "when",
    "none",
    "decision",
    "evidence_end",
    "end",
)
VOCAB_SIZE: Final = 4096
FILE_NAME: Final = "tokenizer.json"

# Words keep the blank before them, digits stand alone, so that a value has the same tokens wherever it stands.
_WORDS: Final = r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"
_SYLLABLES: Final = re.compile("[가-힣]")
# Numerals stay syllable by syllable: a piece of two would have to be learned anew for every figure to be copied.
_NUMERALS: Final = re.compile("[영공일이삼사오육칠팔구십백천만억]{2,}")
_SYLLABLE_SHARE: Final = 0.45
_AFTER_ANGLE: Final = re.compile("(?<=<)")
_CHAT_TEMPLATE: Final = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'user' -%}<|user|>"
    "{%- for line in message['content'].split('\\n') -%}"
    "{%- set bare = line.lstrip('0123456789 ') -%}"
    "{%- set said = bare if bare[:3] in ('A: ', 'B: ') else 'B: ' + line -%}"
    "<|L{{ loop.index }}|><|{{ said[0] }}|>{{ said[2:] }}"
    "{%- endfor -%}"
    "{%- elif message['role'] == 'assistant' -%}<|assistant|>{{ message['content'] }}<|endoftext|>{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)


def structure_token(name: str) -> str:
    """Return how the structure token of a section, party, line ("L12") or code is spelled."""
    return f"<|{name}|>"


def control_tokens() -> list[str]:
    """Return the tokens no reader ever sees, in the order of their ids from 0."""
    return [END_OF_TEXT, USER, ASSISTANT]


def structure_tokens() -> list[str]:
    """Return the tokens that carry the structure of calls and summaries, in the order of their ids."""
    lines = (f"L{number}" for number in range(1, MAX_LINES + 1))
    names = (*lines, *PARTIES, *SECTIONS, *CATEGORIES, *OUTCOMES, *SENTIMENTS)
    return [*(structure_token(name) for name in names), VALUE_OPEN, VALUE_CLOSE]


def byte_alphabet() -> dict[int, str]:
    """Return the printable character that stands for each byte in the vocabulary file.

    Source: Radford et al. 2019 (GPT-2), the mapping every byte-level BPE file uses.
    """
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in set(shown)]
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + rank) for rank, byte in enumerate(hidden)}


class SummaryTokenizer:
    """Text to ids and back; text never becomes a structure token, whatever it says."""

    def __init__(self, backend: Tokenizer) -> None:
        # Control tokens are put in by id alone: text that spells one is only text.
        backend.encode_special_tokens = True
        self._backend = backend

    @property
    def vocab_size(self) -> int:
        """The number of ids."""
        return int(self._backend.get_vocab_size())

    def token_id(self, token: str) -> int:
        """Return the id of a token as spelled in the vocabulary.

        Raises: DataError when there is none.
        """
        found = self._backend.token_to_id(token)
        if found is None:
            raise DataError(f"the tokenizer has no token {token!r}; it was made for another format")
        return int(found)

    def structure_id(self, name: str) -> int:
        """Return the id of a structure token by its bare name ("title", "L12", "A", "resolved")."""
        return self.token_id(structure_token(name))

    def encode_text(self, text: str) -> list[int]:
        """Return the ids of plain text; `decode` gives the text back exactly."""
        # An added token is looked for before anything else; a cut after "<" keeps text from spelling one.
        pieces = _AFTER_ANGLE.split(text)
        return [token for piece in pieces if piece for token in self._backend.encode(piece).ids]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, structure tokens spelled out."""
        return str(self._backend.decode(list(ids), skip_special_tokens=False))

    @cached_property
    def token_bytes(self) -> list[bytes]:
        """The bytes that each id stands for; empty for control and structure tokens."""
        bytes_of = {char: byte for byte, char in byte_alphabet().items()}
        added = set(self._backend.get_added_tokens_decoder())
        vocabulary = {token: spelled for spelled, token in self._backend.get_vocab().items()}
        return [
            b"" if token in added else bytes(bytes_of[char] for char in vocabulary[token])
            for token in range(self.vocab_size)
        ]

    def save(self, folder: Path) -> None:
        """Write the stock tokenizer files into `folder`, which is made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self._backend.save(str(folder / FILE_NAME))
        specials = {"eos_token": END_OF_TEXT, "pad_token": END_OF_TEXT, "additional_special_tokens": [USER, ASSISTANT]}
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "model_max_length": 2048,
            # Token types, which the stock class adds unless told otherwise, are refused by the model.
            "model_input_names": ["input_ids", "attention_mask"],
            "chat_template": _CHAT_TEMPLATE,
            **specials,
        }
        _write_json(folder / "special_tokens_map.json", specials)
        _write_json(folder / "tokenizer_config.json", config)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_tokenizer(folder: Path | str) -> SummaryTokenizer:
    """Return the tokenizer saved in `folder`.

    Raises: DataError when the folder holds none or it cannot be read.
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        raise DataError(f"{path} is missing; a tokenizer folder holds {FILE_NAME}")
    try:
        return SummaryTokenizer(Tokenizer.from_file(str(path)))
    except Exception as error:  # The library raises nothing narrower.
        raise DataError(f"{path} cannot be read: {error}") from error


def train_tokenizer(texts: Iterable[str], vocab_size: int = VOCAB_SIZE) -> SummaryTokenizer:
    """Return a tokenizer whose vocabulary holds every byte, the common syllables whole, and frequent pieces.

    Args:
        texts: what the pieces are counted on; weight a source by giving it more often.
        vocab_size: the number of ids, structure tokens included; fewer when the texts hold no more frequent pieces.

    Raises: DataError when `vocab_size` leaves no room for pieces.
    """
    corpus = list(texts)
    added = control_tokens() + structure_tokens()
    room = vocab_size - len(added) - 256
    if room < 1:
        raise DataError(f"vocab_size is {vocab_size}; it must be above {len(added) + 256}, the bytes and fixed tokens")
    alphabet = byte_alphabet()
    merges = _syllable_merges(corpus, int(room * _SYLLABLE_SHARE), alphabet)
    merges += _piece_merges(corpus, room - len(merges), merges, alphabet)
    vocabulary = [*added, *alphabet.values(), *("".join(pair) for pair in merges)]
    backend = Tokenizer(models.BPE({token: rank for rank, token in enumerate(vocabulary)}, merges))
    backend.pre_tokenizer = _pre_tokenizer()
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control_tokens()])
    # Not special, so that a server that hides special tokens still answers with the structure in it.
    backend.add_tokens([AddedToken(token, special=False, normalized=False) for token in structure_tokens()])
    return SummaryTokenizer(backend)


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    words = pre_tokenizers.Split(Regex(_WORDS), behavior="isolated")
    return pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _spell(text: str, alphabet: dict[int, str]) -> str:
    return "".join(alphabet[byte] for byte in text.encode())


def _syllable_merges(corpus: list[str], limit: int, alphabet: dict[int, str]) -> list[tuple[str, str]]:
    """Return the merges that make one token of each of the commonest syllables: two bytes, then the third."""
    counts = Counter(syllable for text in corpus for syllable in _SYLLABLES.findall(text))
    merges: dict[tuple[str, str], None] = {}
    for syllable, _ in counts.most_common():
        first, second, third = tuple(_spell(syllable, alphabet))
        if len(merges) + 2 > limit:
            break
        merges[first, second] = None
        merges[first + second, third] = None
    return list(merges)


def _piece_merges(
    corpus: list[str], limit: int, known: list[tuple[str, str]], alphabet: dict[int, str]
) -> list[tuple[str, str]]:
    """Return merges of whole known characters into frequent pieces, learned on words with their leading blank."""
    whole = {"".join(pair) for pair in known} | set(alphabet.values())
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Split(Regex(_WORDS), behavior="isolated")
    characters = len({char for text in corpus for char in text})
    trainer = trainers.BpeTrainer(vocab_size=characters + 2 * limit + 64, min_frequency=4, show_progress=False)
    learner.train_from_iterator(corpus, trainer)
    found: list[tuple[str, str]] = []
    for left, right in json.loads(learner.to_str())["model"]["merges"]:
        pair = (_spell(left, alphabet), _spell(right, alphabet))
        numeral = _NUMERALS.fullmatch((left + right).strip())
        if len(found) < limit and not numeral and whole.issuperset(pair):
            whole.add("".join(pair))
            found.append(pair)
    return found
