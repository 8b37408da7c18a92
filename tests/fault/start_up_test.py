"""Replacements that die at their start, a rank that runs another program, and a job that ends at once."""

from job import Job, check
import os
import signal


def broken_replacements():
    job = Job(3, "broken", seconds=8, budget=3)
    job.wait_for("ready")
    os.kill(job.workers()[0], signal.SIGKILL)
    job.wait_for("rank_lost rank=. replaced=no")
    text = job.end(0)
    check(text.count("replaced=no") == 1, f"one message is expected:\n{text}")
    lost = text.count("process_lost")
    check(2 <= lost <= 5, f"{lost} processes were lost (expected the first one and the budget's three)")
    check(job.counts()["wrong"] == 0, f"counts {job.counts()}")


def another_program():
    job = Job(2, "differs", seconds=2, spawn=0)
    text = job.wait_for("runs 'fault_program of another build' and process 0 runs 'fault_program")
    check(text, "no refusal")
    job.process.send_signal(signal.SIGTERM)
    job.process.wait(timeout=30)
    job.reader.join(timeout=10)
    check(not job.left(), f"left: {job.left()}")


def at_once():
    for ranks in (1, 2, 4, 4):
        job = Job(ranks, "brief")
        text = job.end(0)
        check("lost" not in text, f"a rank did not hear of the end:\n{text}")


if __name__ == "__main__":
    broken_replacements()
    another_program()
    at_once()
