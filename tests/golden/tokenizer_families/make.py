"""Trains a small vocabulary for each family and writes what Hugging Face `tokenizers` makes of seeded texts.

usage: make.py PROBLEMS_FOLDER

families.json   the tokenizer.json of each family (setup of families.py, about 600 tokens of its own)
expected.json   fragments and ranges that texts are drawn from, and digests of the ids and of the decoded texts
Texts are drawn by the same generator here and in tests/text/tokenizer_families_test.cpp.
"""

import json
import pathlib
import struct
import sys

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from families import FAMILIES, make_file

HERE = pathlib.Path(__file__).parent
VOCABULARY = 620
FRAGMENTS = [
    "'s", "'LL", "'re", "I'M", "don't", " the", " answer", "is", "12", "1234567", " 3.14", "\u0663\u0664\u0665", "\u00bd\u2167",
    "\n", "\r\n", "\n\n\n", "  ", "    ", "\t", "\u00a0", "\u2003", "\u2028", "\u3000", "\u180e", "\u200b", "\ufeff", "\x00", "\x1b[0m", "\x7f\x85",
    "e\u0301", "a\u0300\u0316", "\u1100\u1161\u11a8", "\u0915\u094d\u0937\u093f", "\u0345\u0334", "\u00c5", "A\u030a",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f3fd", "\U0001f1e9\U0001f1ea", "\u2764\ufe0f", "\U0001f600",
    "def f(x):\n    return x**2\n", "for (int i = 0; i < n; ++i) {\n\t", "\\boxed{\\frac{1}{2}}", "</thought>", "<|im_start|>", "<|im_end|>",
    "<|endoftext|>", "<|eot_id|>", "<think>", "</think>", "<tool_call>", "<|im_start|", "|||EMAIL_ADDRESS|||", "http://a.b/c?d=%20",
    "\u4e2d\u6587\u5b57\u7b26", "\u3072\u3089\u304c\u306a", "\ud55c\uad6d\uc5b4", "\u0627\u0644\u0639", "\u0440\u0443\u0441", "\u0e44\u0e17\u0e22", "\u017fS'\u017f",
]
RANGES = [(0x20, 0x7F), (0x20, 0x7F), (0x00, 0x20), (0x80, 0x250), (0x300, 0x370), (0x900, 0xE00), (0x1100, 0x1200), (0x2000, 0x2070), (0x4E00, 0x4F00), (0xFE00, 0xFE10), (0x1F300, 0x1F700), (0xE0000, 0xE0080)]
NUM_MIXED, NUM_BYTES, NUM_LISTS = 2000, 600, 800


class Draws:
    """A linear congruential generator; the test has the same."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        return (self.state >> 33) % limit


def plane_texts():
    """Every character of planes 0 to 3 and 14, 64 to a text, a space behind each seventh; of other planes one in 61."""
    for begin in range(0, 0x110000, 64):
        step = 1 if begin >> 16 in (0, 1, 2, 3, 14) else 61
        text = ""
        for c in range(begin, begin + 64, step):
            if 0xD800 <= c <= 0xDFFF:
                continue
            text += chr(c) + (" " if c % 7 == 0 else "")
        yield text


def mixed_texts():
    draws = Draws(1)
    for _ in range(NUM_MIXED):
        text = ""
        for _ in range(1 + draws.below(14)):
            kind = draws.below(3)
            if kind < 2:
                text += FRAGMENTS[draws.below(len(FRAGMENTS))] + (" " if kind == 1 else "")
            else:
                low, high = RANGES[draws.below(len(RANGES))]
                text += chr(low + draws.below(high - low))
        yield text


def byte_texts():
    draws = Draws(2)
    for _ in range(NUM_BYTES):
        yield bytes(draws.below(256) for _ in range(1 + draws.below(120))).decode("utf-8", "replace")


def id_lists(size):
    draws = Draws(3)
    for _ in range(NUM_LISTS):
        yield [draws.below(size + 3) for _ in range(1 + draws.below(40))]


def digest(rows):
    value = 0xCBF29CE484222325
    for numbers in rows:
        for byte in struct.pack(f"<{len(numbers) + 1}i", len(numbers), *numbers):
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def train(family, lines):
    setup = FAMILIES[family]
    tokenizer = Tokenizer(models.BPE())
    probe = make_file(family, {"a": 0}, [])
    tokenizer.pre_tokenizer = Tokenizer.from_str(json.dumps(probe)).pre_tokenizer
    if setup["normalizer"]:
        tokenizer.normalizer = Tokenizer.from_str(json.dumps(probe)).normalizer
    # SmolLM2 has no token for some bytes.
    alphabet = [] if family == "smollm2" else pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return make_file(family, model["vocab"], [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]])


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    lines = []
    for name in ("gsm8k_test", "olympiadbench", "mmlu_stem"):
        lines += (pathlib.Path(sys.argv[1]) / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")[:400]
    lines += pathlib.Path(__file__).read_text(encoding="utf-8").split("\n") + FRAGMENTS * 20
    files, expected = {}, {"fragments": FRAGMENTS, "ranges": RANGES, "mixed": NUM_MIXED, "bytes": NUM_BYTES, "lists": NUM_LISTS}
    for family in FAMILIES:
        files[family] = train(family, lines)
        tokenizer = Tokenizer.from_str(json.dumps(files[family]))
        rows = {}
        for kind, texts in (("planes", plane_texts()), ("mixed", mixed_texts()), ("bytes", byte_texts())):
            ids = [tokenizer.encode(text).ids for text in texts]
            rows[kind] = digest(ids)
            rows[f"{kind}_decoded"] = digest([list(tokenizer.decode(each, skip_special_tokens=True).encode()) for each in ids])
        lists = list(id_lists(tokenizer.get_vocab_size()))
        rows["size"] = tokenizer.get_vocab_size()
        rows["lists"] = digest([list(tokenizer.decode(each, skip_special_tokens=False).encode()) for each in lists])
        expected[family] = rows
    for name, content in (("families.json", files), ("expected.json", expected)):
        text = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in content.items())
        (HERE / name).write_text("{\n" + text + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
