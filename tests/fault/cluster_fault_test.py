"""A run whose ranks are killed and stopped: it goes on, or stops in order and resumes, and leaves what an
undisturbed one leaves."""

import os
import pathlib
import signal
import sys
import tempfile
import time

from cluster_job import ClusterJob, check, compare


def one_after_another(scratch, whole):
    """A generator (a spare takes over), then the verifier and the localizer (processes are started)."""
    job = ClusterJob(scratch / "one", "--set", "ranks.spares=1", ranks=8)
    for step, rank in ((1, 1), (2, 4), (4, 3)):
        killed = job.kill_in_step(step, rank)
        lost = job.wait_for(rf"rank {rank} \(.*is lost", after=killed, seconds=30) - killed
        back = job.wait_for(rf"rank {rank} \(.*is replaced", after=killed, seconds=60) - killed
        print(f"rank {rank} killed: noticed after {lost:.2f} s, its replacement works after {back:.2f} s")
        check(lost < 5, f"a death was noticed after {lost} s")
    job.end(0)
    check(job.state() == "complete", f"status {job.state()}")
    compare(scratch / "one", whole)


def two_and_a_hang(scratch, whole):
    """A generator and the localizer at once, without spares; then a generator that hangs."""
    job = ClusterJob(scratch / "two", "--set", "supervision.dead_after=3", "--set", "supervision.suspect_after=1")
    killed = job.kill_in_step(1, 1, 3)
    for rank in (1, 3):
        job.wait_for(rf"rank {rank} \(.*is replaced", after=killed, seconds=60)
    job.wait_for(r"step +3/")
    stopped = job.send(2, signal.SIGSTOP)
    lost = job.wait_for(r"rank 2 \(.*is lost", after=stopped, seconds=30) - stopped
    print(f"rank 2 stopped: declared dead after {lost:.2f} s")
    check(1.5 < lost < 10, f"a hang was noticed after {lost} s")
    job.end(0)
    compare(scratch / "two", whole)


def learner(scratch, whole):
    job = ClusterJob(scratch / "learner")
    job.wait_for(r"step +3/")
    job.send(6, signal.SIGSTOP)
    time.sleep(1)  # the other learner waits for it by now, deep in MPI
    killed = job.send(6, signal.SIGKILL)
    job.end(75, seconds=40)
    took = time.time() - killed
    print(f"a learner killed: all left after {took:.1f} s")
    check(took < 30, f"the run has stopped after {took} s")
    check(job.state() == "stopped", f"status {job.state()}")
    again = ClusterJob(scratch / "learner")
    check("resuming from" in again.end(0), "the second start does not resume")
    compare(scratch / "learner", whole)


def rank_zero_and_mpirun(scratch, whole):
    job = ClusterJob(scratch / "zero")
    job.wait_for(r"step +1/")
    killed = job.send(0, signal.SIGKILL)
    job.end(75, seconds=40)
    print(f"rank 0 killed: all left after {time.time() - killed:.1f} s")
    job = ClusterJob(scratch / "zero")
    job.wait_for(r"step +3/")
    killed = time.time()
    os.kill(job.mpirun(), signal.SIGKILL)
    job.end(75, seconds=40)
    print(f"mpirun killed: all left after {time.time() - killed:.1f} s")
    ClusterJob(scratch / "zero").end(0)
    compare(scratch / "zero", whole)


def fewer(scratch, _):
    """Without restarts the run goes on with fewer ranks, until a role has none."""
    job = ClusterJob(scratch / "fewer", "--set", "supervision.max_restarts=0")
    killed = job.kill_in_step(1, 2)
    job.wait_for(r"rank 2 \(generator\) is not replaced", after=killed, seconds=30)
    job.wait_for(r"step +3/")
    job.send(1, signal.SIGKILL)
    text = job.end(75, seconds=40)
    check("generator has 0 ranks left (at least 1 are wanted)" in text, f"no word of why it stopped:\n{text}")
    check(job.state() == "stopped", f"status {job.state()}")


CASES = (one_after_another, two_and_a_hang, fewer, learner, rank_zero_and_mpirun)


def main():
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        began = time.time()
        ClusterJob(scratch / "whole").end(0)
        print(f"undisturbed: {time.time() - began:.1f} s")
        for case in CASES:
            if wanted and case.__name__ not in wanted:
                continue
            began = time.time()
            case(scratch, scratch / "whole")
            print(f"{case.__name__} passed in {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
