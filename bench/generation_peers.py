#!/usr/bin/env python3
"""Measures prefill and decode of SmolLM2-135M by llama.cpp and transformers, beside `srpo_bench generation`.

usage: generation_peers.py [--model FOLDER] [--rounds N] [--peers llama.cpp,transformers] [--out PEERS.jsonl]
                           [--srpo-bench build/bin/srpo_bench]

Each round runs every peer once, so that what else the machine does falls on all alike; the best round counts. llama.cpp is
built by bench/llama_cpp_peer.sh (f16 and bf16 of the same weights), transformers (bf16, and fp32 with --fp32) needs
`pip install torch transformers`. Same work for all: BATCH prompts of 128 random tokens that share nothing, then 64 tokens
each, greedy for transformers, none for llama.cpp (it feeds random tokens), ours with top-p sampling. With --srpo-bench the
table of ratios is ours against the best peer. Prints one JSON line a peer and batch.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BATCHES = (1, 4, 16, 64)
PROMPT, NEW = 128, 64


def llama_cpp(kind: str, threads: int):
    """Yields (batch, prefill, decode)."""
    env = dict(os.environ, THREADS=str(threads), PROMPT=str(PROMPT), NEW=str(NEW),
               BATCHES=",".join(map(str, BATCHES)))
    output = subprocess.run([str(HERE / "llama_cpp_peer.sh"), "measure", kind], env=env, check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    for line in output.splitlines():
        row = json.loads(line)
        yield row["batch"], row["prefill"], row["decode"]


def transformers(folder: str, kind: str, threads: int):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, kind)).eval()
    with torch.inference_mode():
        model(torch.randint(100, 40000, (1, 8)))
        for batch in BATCHES:
            ids = torch.randint(100, 40000, (batch, PROMPT))
            start = time.perf_counter()
            state = model(ids, use_cache=True, logits_to_keep=1)
            middle = time.perf_counter()
            token = state.logits[:, -1:].argmax(-1)
            for _ in range(NEW):
                state = model(token, past_key_values=state.past_key_values, use_cache=True)
                token = state.logits[:, -1:].argmax(-1)
            end = time.perf_counter()
            yield batch, batch * PROMPT / (middle - start), batch * NEW / (end - middle)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default=str(HERE.parent / "models/SmolLM2-135M-Instruct"))
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--peers", default="llama.cpp,transformers")
    options.add_argument("--fp32", action="store_true", help="transformers in fp32, too")
    options.add_argument("--out", help="the JSON lines, too")
    options.add_argument("--srpo-bench", help="measure ours in each round and print the ratios")
    chosen = options.parse_args()

    peers = {}
    if "llama.cpp" in chosen.peers:
        for kind in ("bf16", "f16"):
            peers[f"llama.cpp {kind}"] = lambda kind=kind: llama_cpp(kind, chosen.threads)
    if "transformers" in chosen.peers:
        for kind in ("bfloat16", "float32") if chosen.fp32 else ("bfloat16",):
            peers[f"transformers {kind}"] = lambda kind=kind: transformers(chosen.model, kind, chosen.threads)

    best = collections.defaultdict(lambda: [0.0, 0.0])
    ours = collections.defaultdict(lambda: [0.0, 0.0])
    for _ in range(chosen.rounds):
        for name, measure in peers.items():
            for batch, prefill, decode in measure():
                row = best[name, batch]
                row[0], row[1] = max(row[0], prefill), max(row[1], decode)
        if chosen.srpo_bench:
            for batch, prefill, decode in srpo(chosen):
                row = ours[batch]
                row[0], row[1] = max(row[0], prefill), max(row[1], decode)
    lines = [json.dumps({"peer": name, "batch": batch, "prefill": round(speed[0], 1), "decode": round(speed[1], 1)})
             for (name, batch), speed in sorted(best.items())]
    print("\n".join(lines))
    if chosen.out:
        pathlib.Path(chosen.out).write_text("\n".join(lines) + "\n")
    if ours:
        print(f"{'batch':>5} {'what':8} {'ours':>8} {'best peer':>10} {'ratio':>6}  peer")
    for batch, speeds in sorted(ours.items()):
        for i, what in enumerate(("prefill", "decode")):
            speed, name = max((row[i], name) for (name, size), row in best.items() if size == batch)
            print(f"{batch:5} {what:8} {speeds[i]:8.0f} {speed:10.0f} {speeds[i] / speed:6.2f}  {name}")


def srpo(chosen):
    """Runs srpo_bench once and yields (batch, prefill, decode)."""
    path = pathlib.Path(f"/tmp/srpo_bench_generation.{os.getpid()}.json")
    subprocess.run([chosen.srpo_bench, "generation", "--only", "batch ", "--repeats", "1", "--json", str(path),
                    "--model", chosen.model, "--threads", str(chosen.threads)], check=True, stdout=sys.stderr)
    rows = {row["name"]: row["ours"] for row in json.loads(path.read_text())["rows"]}
    path.unlink()
    for batch in BATCHES:
        yield batch, rows[f"batch {batch}: prefill"], rows[f"batch {batch}: decode"]


if __name__ == "__main__":
    main()
