"""Random kills in a row under load: no stall of the others, no lost reply without an error, nothing left.

SRPO_KILLS is their number: 6, or 200 for the long run, which goes in jobs of 28. The last three kills of a job find no
spare any more and are answered by MPI_Comm_spawn, which is fragile in Open MPI 4: a death during one can stop it."""

import os
import random
import signal
import time

from job import Job, check

KILLS = int(os.environ.get("SRPO_KILLS", "6"))
KILLS_A_JOB = 28
SPAWNED = 3


def kill(kills, chance):
    """One job with so many kills; what its callers have counted."""
    spares = max(0, kills - SPAWNED)
    seconds = 8 + 3 * kills  # a machine with other work takes seconds to start a process
    job = Job(4 + spares, "load", spares=spares, seconds=seconds, budget=10 * kills, bytes=100000)
    job.wait_for("ready")
    job.wait_for("worker pid=", count=3)
    for number in range(1, kills + 1):
        alive = [pid for pid in job.workers() if os.path.exists(f"/proc/{pid}")]
        os.kill(chance.choice(alive), signal.SIGKILL)
        job.wait_for("rank_filled", count=number, seconds=30)
        time.sleep(chance.random() * 0.3)
    time.sleep(1)
    job.say_enough()
    text = job.end(0, seconds=seconds + 60)
    counts = job.counts()
    print(f"{kills} kills, {spares} spares: {counts}", flush=True)
    check(counts["wrong"] == 0, f"counts {counts}")
    check(counts["right"] > 10 * kills, f"hardly any call got through: {counts}")
    check(counts["longest_ms"] < 20_500, f"a call was not ended by its deadline: {counts}")
    check(text.count("process_lost") == kills, "a death was missed, or a living rank was given up")
    check(not job.left(), "processes are left")


def main():
    chance = random.Random(int(os.environ.get("SRPO_SEED", "1")))
    left = KILLS
    while left > 0:
        kill(min(left, KILLS_A_JOB), chance)
        left -= KILLS_A_JOB


if __name__ == "__main__":
    main()
