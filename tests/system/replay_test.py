"""A run's shards alone: audited, merged, judged again, trained on again bit by bit, and learned from by another run."""

import json
import pathlib
import subprocess
import tempfile

from cluster import BIN, ENVIRONMENT, TINY, analyze, check, run, trees


def replay_step(folder, step, expect=0):
    done = subprocess.run([BIN / "srpo_cluster", folder, "--replay-step", str(step)], env=ENVIRONMENT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240, check=False)
    check(done.returncode == expect, f"--replay-step {step}: exit code {done.returncode}:\n{done.stdout}")
    return done.stdout


def audit(folder):
    return json.loads(analyze(folder, "audit", "--format", "json"))["ledger"][0]


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "run"
        run(7, TINY, "--set", f"run.folder={folder}", "--set", "replay.shard_groups=6",
            "--set", "checkpoint.every_steps=1", "--set", "checkpoint.keep=4")
        ledger = audit(folder)
        check(ledger["violations"] == 0 and ledger["assigned"] == 32, f"ledger {ledger}")

        said = replay_step(folder, 3)
        check("step 3 from warm000250_step000002: 8 trees" in said and " 0 differ" in said, said)
        check("no checkpoint of 9 steps" in replay_step(folder, 9, expect=64), "a step that there is not")

        before = trees(folder)
        merged = json.loads(analyze(folder, "compact", "--format", "json"))["compaction"][0]
        check(merged["shards_before"] > 10 and merged["shards_after"] == 1, f"compaction {merged}")
        check(trees(folder) == before and audit(folder)["violations"] == 0, "merging changed the record")
        check(" 0 differ" in replay_step(folder, 4), "a step again from merged shards")

        rescored = json.loads(analyze(folder, "rescore", "--verifier", "math", "--format", "json"))
        check(rescored["changes"] == [] and rescored["rewards"][-1]["old_reward"] > 0, f"rescored {rescored}")

        imitation = pathlib.Path(scratch) / "imitation"
        output = run(1, TINY, "--set", f"run.folder={imitation}", "--set", "run.steps=0", "--set", "ranks=~",
                     "--set", "data.validate_every=0", "--set", "warm_start.batches=3",
                     "--set", f"warm_start.data={{replay: {folder}}}", "--set", f"data.train=[{{replay: {folder}}}]")
        check("warm start" in output and (imitation / "export/model.safetensors").is_file(), output)
        none = run(1, TINY, "--set", f"run.folder={scratch}/none", "--set", "ranks=~",
                   "--set", f"data.train=[{{replay: {scratch}/nowhere}}]", expect=64)
        check("nowhere is no run folder" in none, none)

        # The recorded steps again, without a generator: the same weights from the same seed, others from another rate.
        again = pathlib.Path(scratch) / "again"
        output = run(7, TINY, "--set", f"run.folder={again}", "--set",
                     f"data={{replay: {folder}, validate_every: 0}}")
        check("publication" not in output, output)
        recorded = {key: tree for key, tree in before.items() if not key[2]}
        check(trees(again) == recorded and audit(again)["violations"] == 0, "replayed steps are not those of the run")
        weights = "export/model.safetensors"
        check((again / weights).read_bytes() == (folder / weights).read_bytes(), "the same steps gave other weights")
        faster = pathlib.Path(scratch) / "faster"
        run(1, TINY, "--set", f"run.folder={faster}", "--set", "ranks=~", "--set", "run.steps=3", "--set",
            f"data={{replay: {folder}, validate_every: 0}}", "--set", "learner.learning_rate=1.0e-3")
        check((faster / weights).read_bytes() != (folder / weights).read_bytes(), "another rate gave the same weights")
        for options, words in ((["run.steps=9"], "no recorded step 4"), (["learner.prompts_per_step=4"], "8 problems"),
                               (["run.seed=9"], "seed 3")):
            refused = run(1, TINY, "--set", f"run.folder={scratch}/refused", "--set", "ranks=~", "--set",
                          f"data={{replay: {folder}}}", "--set", options[0], expect=64)
            check(words in refused, refused)

        kept = pathlib.Path(scratch) / "kept"
        run(7, TINY, "--set", f"run.folder={kept}", "--set", "replay.shard_groups=6", "--set", "replay.keep=2 steps",
            "--set", "checkpoint.every_steps=1", "--set", "checkpoint.keep=2")
        ledger = audit(kept)
        check(ledger["retired"] > 0 and ledger["violations"] == 0 and ledger["accepted"] == len(before), f"kept {ledger}")
        few = run(7, TINY, "--set", f"run.folder={scratch}/few", "--set", "replay.keep=1 steps", expect=64)
        check("replay.keep" in few and "at least 4" in few, few)
    print("passed")


if __name__ == "__main__":
    main()
