"""A run that loses a rank every few seconds, on and on: it ends with what an undisturbed run leaves.

SRPO_CHAOS_RANKS (16 of the long tests; 64 for the longest), SRPO_CHAOS_EVERY (2) seconds, SRPO_CHAOS_STEPS
(100), SRPO_SEED (1)."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from cluster_job import ClusterJob, check, compare

RANKS = int(os.environ.get("SRPO_CHAOS_RANKS", "16"))
STEPS = int(os.environ.get("SRPO_CHAOS_STEPS", "100"))
EVERY = float(os.environ.get("SRPO_CHAOS_EVERY", "2"))


def is_running(job, seconds):
    try:
        job.process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def main():
    if "SRPO_LONG_TESTS" not in os.environ:
        print("skipped: SRPO_LONG_TESTS is not set")
        sys.exit(77)
    generators = min(8, RANKS - 8)
    verifiers = RANKS - 4 - generators
    layout = ("--set", f"ranks.generator={generators}", "--set", f"ranks.verifier={verifiers}",
              "--set", "ranks.learner=2", "--set", "warm_start.batches=60", "--set", f"run.steps={STEPS}")
    chance = random.Random(int(os.environ.get("SRPO_SEED", "1")))
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        began = time.time()
        ClusterJob(scratch / "whole", *layout, ranks=RANKS, short=()).end(0, seconds=900)
        undisturbed = time.time() - began
        began = time.time()
        job = ClusterJob(scratch / "chaos", *layout, "--set", "supervision.max_restarts=100000", ranks=RANKS, short=())
        job.wait_for(r"step +1/", seconds=300)
        kills = 0
        while is_running(job, EVERY * (0.5 + chance.random())):
            workers = job.workers(generators + 1 + verifiers)
            if workers:
                try:
                    os.kill(chance.choice(workers), signal.SIGKILL)
                    kills += 1
                except ProcessLookupError:
                    pass
        took = time.time() - began
        job.end(0, seconds=60)
        compare(scratch / "chaos", scratch / "whole")
        print(f"{RANKS} ranks: {kills} kills, {took:.1f} s (undisturbed {undisturbed:.1f} s)")
        check(kills > 2, f"only {kills} kills")


if __name__ == "__main__":
    main()
