"""Random kills in a row under load: no stall of the others, no lost reply without an error, nothing left.

SRPO_KILLS is their number: 6, or 200 for the long run."""

import os
import random
import signal
import time

from job import Job, check

KILLS = int(os.environ.get("SRPO_KILLS", "6"))


def main():
    seconds = 8 + 3 * KILLS  # a machine with other work takes seconds to start a process
    job = Job(4, "load", seconds=seconds, budget=10 * KILLS, bytes=100000)
    job.wait_for("ready")
    chance = random.Random(int(os.environ.get("SRPO_SEED", "1")))
    for number in range(1, KILLS + 1):
        alive = [pid for pid in job.workers() if os.path.exists(f"/proc/{pid}")]
        os.kill(chance.choice(alive), signal.SIGKILL)
        job.wait_for("rank_filled", count=number, seconds=30)
        time.sleep(chance.random() * 0.3)
    text = job.end(0, seconds=seconds + 60)
    counts = job.counts()
    print(f"{KILLS} kills: {counts}")
    check(counts["wrong"] == 0, f"counts {counts}")
    check(counts["right"] > 10 * KILLS, f"hardly any call got through: {counts}")
    check(counts["longest_ms"] < 20_500, f"a call was not ended by its deadline: {counts}")
    check(text.count("process_lost") == KILLS, "a death was missed, or a living rank was given up")


if __name__ == "__main__":
    main()
