"""SIGUSR1 to mpirun while a run draws, trains and saves: it parks, saves, leaves with 75, and goes on as if undisturbed."""

import json
import pathlib
import signal
import subprocess
import tempfile
import time

from cluster import TINY, analyze, check, run, start, trees

LONGER = ("--set", "run.steps=160", "--set", "checkpoint.every_steps=40", "--set", "data.validate_every=40", "--set",
          "replay.shard_groups=256")  # so that a drain finds it running


def status(folder):
    return json.loads((folder / "status.json").read_text())


def accepted(folder):
    if not (folder / "replay").is_dir():
        return 0
    try:
        return len(analyze(folder, "export", "--format", "jsonl").splitlines())
    except subprocess.CalledProcessError:  # it is being made
        return 0


def has_printed(job, word, output, seconds=120):
    """Reads the job's output until a line has the word; False when it ends before."""
    deadline = time.monotonic() + seconds
    for line in job.stdout:
        output.append(line)
        if word in line or time.monotonic() > deadline:
            return word in line
    return False


def drain(folder, moment, *options):
    """Starts the run, waits for its moment, drains it, and returns what it printed and how long that took."""
    job = start(7, TINY, *LONGER, "--set", f"run.folder={folder}", *options)
    output = []
    if callable(moment):
        deadline = time.monotonic() + 120
        while job.poll() is None and not moment() and time.monotonic() < deadline:
            time.sleep(0.02)
    else:
        has_printed(job, moment, output)
    check(job.poll() is None, "the run ended before it was drained:\n" + "".join(output))
    began = time.monotonic()
    job.send_signal(signal.SIGUSR1)
    rest = job.stdout.read()
    job.wait(timeout=60)
    took = time.monotonic() - began
    text = "".join(output) + rest
    check(job.returncode == 75, f"exit code {job.returncode} after a drain:\n{text}")
    check(took < 30, f"the drain took {took:.1f} s")
    told = status(folder)
    check(told["state"] == "stopped" and "SIGUSR1" in told["reason"], f"status {told}")
    check("the same command goes on from here" in text, text)
    return text, took


def main():
    with tempfile.TemporaryDirectory() as scratch:
        whole = pathlib.Path(scratch) / "whole"
        run(7, TINY, *LONGER, "--set", f"run.folder={whole}")
        expected = trees(whole)

        folder = pathlib.Path(scratch) / "drained"
        drains = []
        moments = [
            ("starting", lambda: (folder / "job.yaml").is_file()),
            ("warm start", "warm start   batch"),
            ("drawing", lambda: accepted(folder) >= 40),
            ("training", "step   70/160"),  # the next step is drawn or trained right after it
            ("checkpoint", lambda: any(folder.glob("checkpoints/*step000120*"))),
        ]
        for name, moment in moments:
            before = {path.name for path in folder.glob("checkpoints/*")}
            _, took = drain(folder, moment)
            drains.append(f"{name} {took:.1f} s")
            for key, tree in trees(folder).items():
                check(tree == expected[key], f"tree {key} differs after a drain at {name}")
            if name == "warm start":
                after = {path.name for path in folder.glob("checkpoints/*")}
                check(after != before, f"no checkpoint at a drain in the warm start: {after}")
        run(7, TINY, *LONGER, "--set", f"run.folder={folder}")
        check(trees(folder) == expected, "the drained run has other trees")
        check(status(folder)["state"] == "complete" and status(folder)["dropped"] == 0, f"status {status(folder)}")
        ledger = json.loads(analyze(folder, "audit", "--format", "json"))["ledger"][0]
        check(ledger["violations"] == 0 and ledger["lost"] == 0, f"ledger {ledger}")
        check((folder / "export/model.safetensors").read_bytes() == (whole / "export/model.safetensors").read_bytes(),
              "the drained run's weights differ")

        # Without patience, chains in flight are parked and drawn again.
        parked = pathlib.Path(scratch) / "parked"
        hurry = ("--set", "run.drain_seconds=0", "--set", "learner.prompts_in_flight=3")
        text, _ = drain(parked, lambda: accepted(parked) >= 30, *hurry)
        again = run(7, TINY, *LONGER, "--set", f"run.folder={parked}", *hurry)
        check(trees(parked) == expected, "the parked run has other trees:\n" + text + again)
    print("passed: " + ", ".join(drains))


if __name__ == "__main__":
    main()
