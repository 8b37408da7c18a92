"""Writes the golden vectors of the tokenizer from Hugging Face `tokenizers` (0.23.3).

usage: make.py DOLMA2_TOKENIZER_JSON SMOLLM2_TOKENIZER_JSON PROBLEMS_FOLDER

tiny.json      a small trained tokenizer, and variants of it as fields to replace
cases.json     texts, and the ids each tokenizer gives them
corpora.json   for each line of each problem file: number of tokens and an FNV-1a digest of the ids, by file
"""

import copy
import json
import pathlib
import random
import struct
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
GPT4 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
O200K = (
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
)


def byte_level(add_prefix_space=False, use_regex=False):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": True, "use_regex": use_regex}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def added(number, content, **flags):
    token = {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False}
    return {**token, "normalized": False, "special": True, **flags}


def train_tiny():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    words = (
        "the answer of this problem is that there are two boxes and each box holds three apples so we multiply them "
        "then then then thought thought boxed  boxed  \n\n we'll you're it's naïve café 2024 100 \u4e00\u4e8c\u4e09 "
    )
    # No initial alphabet: bytes that are not in the text have no token, as in SmolLM2.
    tokenizer.train_from_iterator([words * 4], trainers.BpeTrainer(vocab_size=160, special_tokens=["<|end|>", "<|start|>"]))
    return json.loads(tokenizer.to_str())


def make_variants(base):
    size = len(base["model"]["vocab"])
    extra = [
        added(size, "<L>", lstrip=True),
        added(size + 1, "<R>", rstrip=True, special=False),
        added(size + 2, "<LR>", lstrip=True, rstrip=True),
        added(size + 3, "th\u00e9", normalized=True, special=False),
        added(size + 4, "<L><R>"),
        added(size + 5, "box</thought>", normalized=True, special=False),
    ]
    wrapped = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<|start|>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "<|end|>", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            "<|start|>": {"id": "<|start|>", "ids": [1], "tokens": ["<|start|>"]},
            "<|end|>": {"id": "<|end|>", "ids": [0], "tokens": ["<|end|>"]},
        },
    }
    variants = {
        "gpt2": {"pre_tokenizer": byte_level(use_regex=True)},
        "digits": {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": True}, byte_level(use_regex=True))},
        "digit_runs": {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": False}, byte_level())},
        "qwen": {"normalizer": {"type": "NFC"}, "pre_tokenizer": sequence(split(GPT4), byte_level())},
        "dolma": {"pre_tokenizer": sequence(split(GPT4, "Removed", True), byte_level())},
        "o200k": {"pre_tokenizer": sequence(split(O200K), byte_level()), "model": {"ignore_merges": True}},
        "whole": {"pre_tokenizer": byte_level()},
        "unknown": {"pre_tokenizer": byte_level(), "model": {"unk_token": "<|end|>"}},
        "fused_unknown": {"pre_tokenizer": byte_level(), "model": {"unk_token": "<|end|>", "fuse_unk": True}},
        "added": {
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]},
            "pre_tokenizer": byte_level(add_prefix_space=True, use_regex=True),
            "added_tokens": base["added_tokens"] + extra,
            "post_processor": {"type": "Sequence", "processors": [byte_level(), wrapped]},
        },
    }
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        steps = sequence(split("\\s+|\\d|$", behavior), split("a", behavior, True, "String"), byte_level())
        variants[f"split_{behavior}"] = {"pre_tokenizer": steps}
        variants[f"inverted_{behavior}"] = {"pre_tokenizer": sequence(split("\\p{Ll}*", behavior, True), byte_level())}
    return variants


def apply_variant(base, changes):
    whole = copy.deepcopy(base)
    for key, value in changes.items():
        whole[key] = {**whole["model"], **value} if key == "model" else value
    return whole


def make_texts():
    texts = [
        "", "\n", "   ", " a", "a ", "\u180e x\u180e", "\x1c\x1d a", "\u00a0\u00a0x", "x\u2028\u2028y", "I'M'VE're 's '\u017f 'S",
        "\u00c0\u00c9 e\u0301 a\u0300\u0316 q\u0307\u0323 \u1100\u1161\u11a8", "\u0345\u0334a\u0315\u0300",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f3fd\U0001f1e9", "\u4e00\u4e8c\u4e09\uff11\uff12\u0663\u0664",
        "\u2167\u00bd\u00b2\u2462", "\u0000\x01\x04\x06\x13\x14\x16\x1d", "\U000f1234\U00040000\uffff", "a" * 300, "ab" * 200,
        " " * 400 + "x", "\r\n\r\n\t\t x\r", "<|im_start|>user\nhi<|im_end|>\n", "<|im_start|", "<|endoftext|><|endoftext|>",
        "|||PHONE_NUMBER||| |||EMAIL", "\ufeffbom", "1234567890 3.14159 1,000,000", "def f(x):\n    return x**2\n\n\n",
        "\\boxed{\\frac{1}{2}}</thought>\n", "http://x.y/z?q=1&r=%20", "\ua7cb\ua7dc x\u1c89\u1c8a \U00010d40\U00010d41a\U00011de0",
        "\u0897\u0334 \U0002ebf0\U00031350a", "\U00011938\U00011935\U00011930 \u0c3c\u0334 \U000105d2\u0307",
        "\u0915\u094d\u0937\u093f \u0e44\u0e17\u0e22 \u0627\u0644\u0639\u0631\u0628\u064a\u0629", "<L><R> <LR>  x <L>\n<R>\u3000y the\u0301 th\u00e9",
        "box</thought> <|start|>the answer<|end|>",
    ]
    randomness = random.Random(5)
    fragments = ["'s", "'ll", "\r\n", "  ", "\n\n", "<|end|>", "<L>", " <LR> ", "<R> ", "12", " the", " of", "box", "</thought>", "e\u0301", "\u0323"]
    pools = [(0x20, 0x7F), (0x20, 0x7F), (0x80, 0x250), (0x300, 0x370), (0x900, 0xE00), (0x2000, 0x2070), (0x4E00, 0x4E50), (0x1F300, 0x1F400)]
    for _ in range(60):
        text = ""
        for _ in range(randomness.randint(1, 12)):
            low, high = randomness.choice(pools)
            text += randomness.choice(fragments) if randomness.random() < 0.5 else chr(randomness.randrange(low, high))
        texts.append(text)
    return texts


def digest(rows):
    value = 0xCBF29CE484222325
    for ids in rows:
        for byte in struct.pack(f"<{len(ids) + 1}i", len(ids), *ids):
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def write(name, content):
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in content.items())
    (HERE / name).write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    base = train_tiny()
    variants = make_variants(base)
    write("tiny.json", {"base": base, "variants": variants})
    tokenizers = {name: Tokenizer.from_str(json.dumps(apply_variant(base, v))) for name, v in variants.items()}
    tokenizers["dolma2_file"] = Tokenizer.from_file(sys.argv[1])
    tokenizers["smollm2_file"] = Tokenizer.from_file(sys.argv[2])
    texts = make_texts()
    cases = {"texts": texts}
    for name, tokenizer in tokenizers.items():
        rows = [tokenizer.encode(text).ids for text in texts]
        cases[name] = {
            "ids": rows,
            "decoded": digest([list(tokenizer.decode(ids, skip_special_tokens=False).encode()) for ids in rows]),
            "decoded_without_special": digest([list(tokenizer.decode(ids).encode()) for ids in rows]),
        }
    write("cases.json", cases)
    corpora = {}
    for path in sorted(pathlib.Path(sys.argv[3]).glob("*.jsonl")):
        lines = path.read_bytes().decode().split("\n")
        corpora[path.name] = {name: digest([tokenizers[name].encode(line).ids for line in lines]) for name in ("dolma2_file", "smollm2_file")}
        corpora[path.name]["lines"] = len(lines)
    write("corpora.json", corpora)


if __name__ == "__main__":
    main()
