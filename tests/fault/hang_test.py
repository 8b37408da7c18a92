"""SIGSTOP of a worker: declared dead, replaced, and the zombie leaves by itself; a stuck reactor can be asked."""

import os
import pathlib
import signal
import subprocess
import time

from job import BIN, Job, check


def zombie():
    job = Job(4, "load", spares=1, seconds=8, dead_ms=1500)
    job.wait_for("ready")
    victim = job.workers()[0]
    os.kill(victim, signal.SIGSTOP)
    job.wait_for("process_lost.*silent")
    job.wait_for("rank_filled")
    os.kill(victim, signal.SIGCONT)
    end = time.monotonic() + 15
    while pathlib.Path(f"/proc/{victim}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    check(not pathlib.Path(f"/proc/{victim}").exists(), "the zombie does not leave")
    text = job.end(0)
    check("leaving code=75" in text, f"the zombie says nothing:\n{text}")
    check(job.counts()["wrong"] == 0, f"counts {job.counts()}")


def stuck():
    job = Job(3, "stuck", seconds=6, dead_ms=4000, spawn=0)
    job.wait_for("process_suspect process=1 reason=its reactor has not moved")
    answer = subprocess.run([BIN / "srpo_run", "--ask", pathlib.Path(job.folder.name) / "control.json", "1"],
                            stdout=subprocess.PIPE, text=True, check=True, timeout=20).stdout
    check("Worker::block" in answer and "sleep" in answer, f"the stack of a stuck rank:\n{answer}")
    job.process.send_signal(signal.SIGTERM)
    job.process.wait(timeout=30)
    job.reader.join(timeout=10)
    check(not job.left(), f"left: {job.left()}")


if __name__ == "__main__":
    zombie()
    stuck()
