"""Writes the real tokenizer.json of a family from a GGUF file that holds its vocabulary.

usage: from_gguf.py FAMILY FILE.gguf FOLDER     FAMILY is one of families.py

llama.cpp carries vocabulary-only files in its models/ folder: ggml-vocab-llama-bpe.gguf (llama3), ggml-vocab-qwen2.gguf
(qwen2.5), ggml-vocab-gpt-2.gguf (gpt2). Needs `pip install gguf`. For compare.py; the result is too big to commit.
"""

import json
import pathlib
import sys

from gguf import GGUFReader, TokenType

from families import make_file


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    family, source, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    fields = GGUFReader(source).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    merges = fields["tokenizer.ggml.merges"].contents()
    special = [token for token, kind in zip(tokens, kinds) if kind == TokenType.CONTROL]
    plain = [token for token, kind in zip(tokens, kinds) if kind == TokenType.USER_DEFINED]
    added = set(special) | set(plain)
    if family == "gpt2" and not special:
        special, added = ["<|endoftext|>"], {"<|endoftext|>"}
    # Rows that only fill the embedding up have no text.
    vocabulary = {token: i for i, (token, kind) in enumerate(zip(tokens, kinds)) if kind != TokenType.UNUSED}
    content = make_file(family, vocabulary, merges, special, plain)
    for token in content["added_tokens"]:
        if token["content"] in added:
            content["model"]["vocab"].pop(token["content"], None) if family != "gpt2" else None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    print(f"{folder / 'tokenizer.json'}: {len(vocabulary)} tokens, {len(merges)} merges, {len(added)} added")


if __name__ == "__main__":
    main()
