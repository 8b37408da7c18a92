"""Compares srpo_tokenize with Hugging Face `tokenizers`, text by text, on any files.

usage: compare.py SRPO_TOKENIZE TOKENIZER_JSON ... -- FILE_OR_FOLDER ...

Every file is one text per line and, up to a megabyte, one text as a whole; bytes that are not UTF-8 become U+FFFD. Ids and
decoded texts must be equal. Of a folder, the first three million characters are taken. Prints the totals for each tokenizer; status 1 and the first differences when one differs.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

MAX_CHARACTERS = 3_000_000  # of one argument


def files_of(paths):
    for path in map(pathlib.Path, paths):
        yield from sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()) if path.is_dir() else [path]


def texts_of(path):
    total = 0
    for file in files_of([path]):
        text = file.read_bytes().decode("utf-8", "replace")
        if total > MAX_CHARACTERS:
            return
        total += len(text)
        yield from text.split("\n")
        if len(text) < 1_000_000:
            yield text


def run(program, tokenizer, lines, *options):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        file.flush()
        command = [program, "--tokenizer", tokenizer, *options, file.name]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return [json.loads(line) for line in answer.split(b"\n") if line]


def compare(program, path, texts):
    tokenizer = Tokenizer.from_file(path)
    ours = [row["ids"] for row in run(program, path, [{"text": text} for text in texts])]
    theirs = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    differing = [i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]
    for i in differing[:3]:
        print(f"  ids differ: {texts[i][:200]!r}\n    {ours[i][:40]}\n    {theirs[i][:40]}")
    decoded = [row["text"] for row in run(program, path, [{"ids": ids} for ids in theirs], "--decode")]
    expected = tokenizer.decode_batch(theirs, skip_special_tokens=False)
    wrong = [i for i, (a, b) in enumerate(zip(decoded, expected, strict=True)) if a != b]
    for i in wrong[:3]:
        print(f"  texts differ: {decoded[i][:200]!r}\n    {expected[i][:200]!r}")
    size = sum(len(text.encode()) for text in texts)
    print(f"{path}: {len(texts)} texts, {size} bytes, {sum(map(len, theirs))} tokens: {len(differing)} differ, {len(wrong)} decode differently")
    return not differing and not wrong


def main():
    if "--" not in sys.argv or len(sys.argv) < 5:
        raise SystemExit(__doc__)
    split = sys.argv.index("--")
    program, tokenizers = sys.argv[1], sys.argv[2:split]
    texts = [text for path in sys.argv[split + 1 :] for text in texts_of(path)]
    if not all([compare(program, path, texts) for path in tokenizers]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
