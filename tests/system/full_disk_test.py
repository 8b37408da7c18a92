"""A disk that fills up while a run works: it says so, waits, and goes on when there is space, with nothing lost."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from cluster import TINY, analyze, check, run, start, trees

SKIPPED = 77
# Few bytes beside the replay: no validation, no export.
JOB = ("--set", "data.validate_every=0", "--set", "checkpoint.export=none", "--set", "replay.shard_groups=64",
       "--set", "run.steps=120", "--set", "checkpoint.every_steps=30")


def fill(folder):
    """A file that takes all the space there is."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    return ballast


def main():
    with tempfile.TemporaryDirectory() as scratch:
        disk = pathlib.Path(scratch) / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", disk], check=False,
                                 stderr=subprocess.DEVNULL).returncode == 0
        if not mounted:
            print("skipped: a small disk cannot be mounted here")
            sys.exit(SKIPPED)
        try:
            check_full_disk(pathlib.Path(scratch), disk)
        finally:
            subprocess.run(["umount", disk], check=True)
    print("passed")


def check_full_disk(scratch, disk):
    whole = scratch / "whole"
    run(7, TINY, *JOB, "--set", f"run.folder={whole}")

    folder = disk / "run"
    job = start(7, TINY, *JOB, "--set", f"run.folder={folder}")
    os.set_blocking(job.stdout.fileno(), True)
    output = []
    for line in job.stdout:
        output.append(line)
        if "step   10/120" in line:
            break
    ballast = fill(disk)
    for line in job.stdout:
        output.append(line)
        if "ALARM" in line:
            break
    check("ALARM" in output[-1] and "No space left" in output[-1], "no alarm:\n" + "".join(output))
    time.sleep(3)  # tries again meanwhile
    check(job.poll() is None, "the run has ended on a full disk")
    ballast.unlink()
    text = "".join(output) + job.stdout.read()
    job.wait(timeout=120)
    check(job.returncode == 0, f"exit code {job.returncode}:\n{text}")
    check("there is space again" in text, text)
    check(trees(folder) == trees(whole), "the run has other trees")
    status = json.loads((folder / "status.json").read_text())
    check(status["state"] == "complete" and status["dropped"] == 0, f"status {status}")
    steps = [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    check(steps[-120:] == list(range(1, 121)), f"metrics of steps {steps}")
    ledger = json.loads(analyze(folder, "audit", "--format", "json"))["ledger"][0]
    check(ledger["violations"] == 0 and ledger["lost"] == 0, f"ledger {ledger}")


if __name__ == "__main__":
    main()
