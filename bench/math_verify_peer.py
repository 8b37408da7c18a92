#!/usr/bin/env python3
"""Checks pairs of answers with Math-Verify on one core: the peer of `srpo_verify`.

usage: math_verify_peer.py PAIRS.jsonl [--limit N] [--out VERDICTS.jsonl]

PAIRS.jsonl holds {"reference": .., "answer": .., "same": true|false} a line; the corpus test writes it
(SRPO_MATH_CORPUS=PAIRS.jsonl build/bin/verify_tests --gtest_filter='MathCorpus*').
Needs `pip install math-verify`. Every answer is put into a box, every reference between dollar signs, as its
users do. Timeouts are switched off, so that no signal handling is measured. Prints checks/s, p50, p99 and how
often it differs from `same`; --out adds its verdict to each line.
"""
import argparse
import json
import logging
import time

from math_verify import parse, verify


def check(reference: str, answer: str) -> bool:
    gold = reference if "$" in reference else f"${reference}$"
    return verify(
        parse(gold, parsing_timeout=None),
        parse(f"\\boxed{{{answer.replace('$', '')}}}", parsing_timeout=None),
        timeout_seconds=None,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("pairs")
    options.add_argument("--limit", type=int, default=0, help="check every k-th pair so that about N are checked")
    options.add_argument("--out", help="write the pairs with Math-Verify's verdicts")
    arguments = options.parse_args()
    logging.disable(logging.CRITICAL)
    with open(arguments.pairs, encoding="utf-8") as file:
        pairs = [json.loads(line) for line in file]
    if arguments.limit:
        pairs = pairs[:: max(1, len(pairs) // arguments.limit)]
    check("1", "1")  # loads grammars
    times, false_correct, false_wrong = [], 0, 0
    for pair in pairs:
        start = time.perf_counter()
        try:
            pair["peer"] = bool(check(pair["reference"], pair["answer"]))
        except Exception as error:  # what it cannot do counts as wrong
            pair["peer"] = False
            pair["error"] = type(error).__name__
        times.append(time.perf_counter() - start)
        false_correct += pair["peer"] and not pair["same"]
        false_wrong += pair["same"] and not pair["peer"]
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)
    ordered = sorted(times)
    print(
        f"{len(pairs)} pairs, {len(pairs) / sum(times):.1f} checks/s, p50 {ordered[len(ordered) // 2] * 1e3:.3f} ms, "
        f"p99 {ordered[int(len(ordered) * 0.99)] * 1e3:.3f} ms, longest {ordered[-1] * 1e3:.1f} ms, "
        f"false correct {false_correct}, false wrong {false_wrong}"
    )


if __name__ == "__main__":
    main()
