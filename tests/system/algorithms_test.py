"""Splits, localizers and algorithms end to end on one rank: each run trains, its shards audit clean, and a step replays."""

import json
import pathlib
import sys
import tempfile

from cluster import BIN, ENVIRONMENT, TINY, analyze, check, run, trees

import subprocess

# Without arguments: those that cover every path. `all`: every algorithm.
SHORT = ["srpo_2x4", "oracle", "score", "spo_tree", "gspo"]
ARMS = {
    "srpo": ["algorithm.name=srpo"],
    "rrpo": ["algorithm.name=rrpo"],
    "srpo_1x8": ["algorithm.name=srpo", "algorithm.split=1x8"],
    "srpo_2x4": ["algorithm.name=srpo", "algorithm.split=2x4"],
    "any_failed": ["algorithm.name=srpo", "algorithm.seed_rule=any_failed"],
    "distributional": ["algorithm.name=srpo", "algorithm.localizer=distributional"],
    "oracle": ["algorithm.name=srpo", "algorithm.localizer=oracle"],
    "kl": ["algorithm.name=srpo", "algorithm.kl=0.05"],
    "truncated": ["algorithm.name=srpo", "algorithm.off_policy=truncated"],
    "grpo": ["algorithm.name=grpo"],
    "grpo_srpo_loss": ["algorithm.name=grpo_srpo_loss"],
    "dapo": ["algorithm.name=dapo", "schedule.dynamic_sampling=2"],
    "dr_grpo": ["algorithm.name=dr_grpo", "algorithm.constant_length=96"],
    "gspo": ["algorithm.name=gspo"],
    "reinforce_pp": ["algorithm.name=reinforce_pp"],
    "score": ["algorithm.name=score", "algorithm.stage_one_steps=1"],
    "critique_grpo": ["algorithm.name=critique_grpo", "algorithm.constant_length=96"],
    "spo_tree": ["algorithm.name=spo_tree", "algorithm.segment_tokens=8"],
}


def settings(values):
    return [part for value in values for part in ("--set", value)]


def check_shape(name, found):
    training = [tree for tree in found.values() if not tree["validation"]]
    resets = [tree for tree in training if tree["suffixes"]]
    if name == "srpo_2x4":
        check(any(len(tree["suffixes"]) == 8 and len(tree["further"]) == 1 for tree in resets), "no tree of two resets")
    if name == "srpo_1x8":
        check(resets and all(len(tree["suffixes"]) == 8 for tree in resets), "no reset of eight endings")
    if name in ("oracle", "distributional"):
        check(resets and all(tree["localization"]["localizer"] == name for tree in resets), f"not localized by {name}")
    if name in ("score", "critique_grpo"):
        count = 4 if name == "score" else 8
        for tree in training:
            check(len(tree["suffixes"]) == count, f"{len(tree['suffixes'])} second attempts")
            check(all(chain["prompt_tokens"] for chain in tree["suffixes"]), "an attempt without its prompt")
    if name == "spo_tree":
        check(resets and all(len(tree["suffixes"]) % 4 == 0 for tree in resets), "a segment without four leaves")


def main():
    names = list(ARMS) if sys.argv[1:] == ["all"] else SHORT
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        common = ["ranks=~", "data.validate_every=0", "learner.prompts_per_step=8", "checkpoint.every_steps=1"]
        warm = scratch / "warm"
        run(1, TINY, *settings(["ranks=~", "run.steps=0", "data.validate_every=0", "checkpoint.export=huggingface",
                                f"run.folder={warm}"]))
        for name in names:
            folder = scratch / name
            run(1, TINY, *settings([*common, f"run.folder={folder}", "run.steps=2", "warm_start=~", "model.from_nothing=~",
                                    f"model.path={warm}/export", *ARMS[name]]))
            metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
            steps = [entry for entry in metrics if "train/loss_rows" in entry]
            check(len(steps) == 2, f"{name}: {len(steps)} steps")
            check(sum(entry["train/loss_rows"] for entry in steps) > 0, f"{name}: nothing was trained")
            check(all(entry["train/skipped_updates"] == 0 for entry in steps), f"{name}: an update was skipped")
            if name in ("kl", "score"):
                check(steps[1]["train/kl_mean"] > 0, f"{name}: no divergence after a step")
            ledger = json.loads(analyze(folder, "audit", "--format", "json"))["ledger"][0]
            check(ledger["readable"] == ledger["accepted"] > 0, f"{name}: ledger {ledger}")
            check(ledger["lost"] == ledger["repeated"] == ledger["damaged_files"] == 0, f"{name}: ledger {ledger}")
            check_shape(name, trees(folder))
            again = subprocess.run([BIN / "srpo_cluster", folder, "--replay-step", "2"], env=ENVIRONMENT, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            check(again.returncode == 0 and " 0 differ" in again.stdout, f"{name}: {again.stdout}")
            print(f"{name}: {steps[1]['train/loss_rows']:.0f} rows, loss {steps[1]['train/loss']:.4f}", flush=True)
    print("passed")


if __name__ == "__main__":
    main()
