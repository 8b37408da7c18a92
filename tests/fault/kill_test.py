"""kill -9: of a worker with a spare, of one without, of rank 0, of mpirun."""

import os
import pathlib
import signal
import time

from job import Job, check


def kill_a_worker(spares, seconds):
    job = Job(4, "load", spares=spares, seconds=seconds, bytes=20000)
    job.wait_for("ready")
    victim = job.workers()[0]
    killed = time.time()
    os.kill(victim, signal.SIGKILL)
    noticed = job.wait_for("process_lost")[0][0] - killed
    filled = job.wait_for("rank_filled rank=")[0][0] - killed
    job.wait_for(r"worker pid=", count=4 - spares)
    job.end(0)
    counts = job.counts()
    check(counts["wrong"] == 0 and counts["right"] > 100, f"counts {counts}")
    print(f"spares {spares}: noticed after {noticed:.3f} s, filled after {filled:.3f} s, {counts}")
    check(noticed < 5, f"a death was noticed after {noticed} s")


def kill_rank_zero():
    job = Job(4, "load", seconds=60)
    root = int(job.wait_for(r"ready pid=(\d+)")[0][1].group(1))
    killed = time.time()
    os.kill(root, signal.SIGKILL)
    text = job.end(75, seconds=30)
    print(f"rank 0 killed: all left after {time.time() - killed:.1f} s")
    check(text.count("rank 0 is lost") >= 3, f"not everybody says why:\n{text}")


def kill_mpirun():
    job = Job(4, "load", seconds=60)
    job.wait_for("ready")
    children = pathlib.Path(f"/proc/{job.process.pid}/task/{job.process.pid}/children").read_text().split()
    check(len(children) == 1, f"children of srpo_run: {children}")
    os.kill(int(children[0]), signal.SIGKILL)
    job.end(75, seconds=30)


if __name__ == "__main__":
    kill_a_worker(1, 3)
    kill_a_worker(0, 4)
    kill_rank_zero()
    kill_mpirun()
