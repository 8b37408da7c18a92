#!/usr/bin/env python3
"""Hugging Face's side of `srpo_bench text`, on one thread.

usage: SRPO_TEXT_PEER="python bench/tokenizers_peer.py" build/bin/srpo_bench text
   or: tokenizers_peer.py TASK.json

srpo_bench writes the task (tokenizer files, documents, a chat template and conversations) and reads one JSON object of
values by row name. Needs `pip install tokenizers jinja2`. Encoding is the faster of a call a document and one
encode_batch_fast; decoding is a call a document; the template is compiled once, as transformers does.
"""
import json
import os
import pathlib
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import jinja2.ext  # noqa: E402
from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402


def seconds_of(task, run):
    """Of one call, the best of the repeats."""
    run()
    least = float("inf")
    for _ in range(task["repeats"]):
        start, calls = time.perf_counter(), 0
        while True:
            run()
            calls += 1
            passed = time.perf_counter() - start
            if passed >= task["seconds"]:
                break
        least = min(least, passed / calls)
    return least


def measure_tokenizer(task, path):
    documents = task["documents"]
    megabytes = sum(len(document.encode()) for document in documents) / 1e6
    start = time.perf_counter()
    tokenizer = Tokenizer.from_file(path)
    load = time.perf_counter() - start
    encode = seconds_of(task, lambda: [tokenizer.encode(each, add_special_tokens=False) for each in documents])
    fast = seconds_of(task, lambda: tokenizer.encode_batch_fast(documents, add_special_tokens=False))
    rows = [tokenizer.encode(each, add_special_tokens=False).ids for each in documents]
    decode = seconds_of(task, lambda: [tokenizer.decode(ids, skip_special_tokens=False) for ids in rows])
    name = "/".join(pathlib.Path(path).parts[-2:])
    return {
        f"load: {name}": load * 1e6,
        f"encode: {name}": megabytes / min(encode, fast),
        f"decode: {name}": megabytes / decode,
    }


def measure_chat(task):
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = environment.from_string(task["template"])
    return {f"chat: {name}": 1 / seconds_of(task, lambda: template.render(**given)) for name, given in task["conversations"].items()}


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        raise SystemExit(__doc__)
    task = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    rows = measure_chat(task)
    for path in task["tokenizers"]:
        rows.update(measure_tokenizer(task, path))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
