"""The whole route on seven ranks: results, files, a second start, and the same trajectories on other layouts."""

import json
import pathlib
import subprocess
import tempfile

from cluster import BIN, TINY, analyze, check, run, trees


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "run"
        output = run(7, TINY, "--set", f"run.folder={folder}")
        for word in ("warm start", "validation at step 0", "step    4/4", "accuracy", "tok/s"):
            check(word in output, f"'{word}' is not in the output:\n{output}")
        status = json.loads((folder / "status.json").read_text())
        check(status["state"] == "complete" and status["dropped"] == 0, f"status {status}")
        check(status["accepted"] == 4 * 8 + 3 * 16, f"accepted {status['accepted']}")
        for name in ("job.yaml", "metrics.jsonl", "summary.txt", "summary.json", "curve.svg",
                     "export/config.json", "export/model.safetensors", "export/tokenizer.json"):
            check((folder / name).is_file(), f"{name} is missing")

        reference = trees(folder)
        check(len(reference) == status["accepted"], "export and status disagree")
        resets = [tree for tree in reference.values() if tree["localization"]]
        check(len(resets) > 5, f"{len(resets)} resets")
        for tree in resets:
            check(len(tree["suffixes"]) == 4, "a reset without four endings")
            for suffix in tree["suffixes"]:
                seed = next(chain for chain in tree["fresh"] if chain["use"] == "seed")
                kept = tree["prefix_length"]
                check(suffix["tokens"][:kept] == seed["tokens"][:kept], "an ending that does not begin with its prefix")
        forked = sum(json.loads(line).get("draw/reset_prefill_tokens", 0)
                     for line in (folder / "metrics.jsonl").read_text().splitlines())
        check(forked == 0, f"{forked} tokens were computed again for endings")

        ledger = json.loads(analyze(folder, "audit", "--format", "json"))["ledger"][0]
        check(ledger["readable"] == ledger["accepted"] == status["accepted"], f"ledger {ledger}")
        check(ledger["lost"] == ledger["repeated"] == ledger["damaged_files"] == 0, f"ledger {ledger}")
        again = run(7, TINY, "--set", f"run.folder={folder}")
        check("is complete" in again, f"a second start says:\n{again}")

        other = pathlib.Path(scratch) / "other"
        run(6, TINY, "--set", f"run.folder={other}", "--set", "ranks.generator=1", "--set",
            "generation.max_sequences=3", "--set", "generation.prefill_tokens_per_step=5")
        check(trees(other) == reference, "one generator and small batches gave other trajectories")

        alone = pathlib.Path(scratch) / "alone"
        run(1, TINY, "--set", f"run.folder={alone}", "--set", "ranks=~")
        check(len(trees(alone)) == len(reference), "one rank gave another number of problems")

        shown = subprocess.run([BIN / "srpo_analyze", folder, "trajectories", "--step", "0", "--slot", str(resets[0]["slot"])],
                               stdout=subprocess.PIPE, text=True, check=True).stdout
        check(resets[0]["problem"]["question"] in shown, f"trajectories shows:\n{shown}")
    print("passed")


if __name__ == "__main__":
    main()
