"""Runs srpo_cluster under srpo_run for the fault tests: finds its ranks, waits for its words, compares what it left."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from cluster import BIN, ENVIRONMENT, TINY, analyze, trees  # noqa: E402
from watched import Watched, check  # noqa: E402

__all__ = ["ClusterJob", "check", "compare", "SHORT"]

# The route of tests/system/tiny.yaml with less of a warm start and more steps to be hit in.
SHORT = ("--set", "warm_start.batches=60", "--set", "run.steps=6")


class ClusterJob(Watched):
    """A run in `folder`; ranks of tiny.yaml: 0 scheduler, 1-2 generators, 3 localizer, 4 verifier, 5-6 learners, spares."""

    def __init__(self, folder, *options, ranks=7, job=TINY, short=SHORT):
        self.folder = pathlib.Path(folder)
        self.mark = f"run.folder={folder}".encode()
        super().__init__(
            [BIN / "srpo_run", "-np", str(ranks), BIN / "srpo_cluster", str(job), *short,
             "--set", f"run.folder={folder}", *options], ENVIRONMENT)

    def left(self):
        return self.pids()[0]

    def wait_for(self, pattern, seconds=120, after=0.0):
        """The time of the first line after `after` that has the pattern."""
        end = time.monotonic() + seconds
        while True:
            for at, line in list(self.lines):
                if at >= after and re.search(pattern, line):
                    return at
            if time.monotonic() > end or (self.process.poll() is not None and not self.reader.is_alive()):
                self.kill()
                sys.exit(f"FAILED: no '{pattern}' within {seconds} s:\n{self.text()}")
            time.sleep(0.005)

    def pids(self):
        """All processes of this job but srpo_run, and of them those that are ranks of mpirun, by rank."""
        everybody, ranks = [], {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            pid = int(entry.name)
            try:
                if self.mark not in (entry / "cmdline").read_bytes().split(b"\0") or pid == self.process.pid:
                    continue
                words = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            everybody.append(pid)
            known = dict(word.split(b"=", 1) for word in words if b"=" in word)
            if int(known.get(b"OMPI_COMM_WORLD_SIZE", b"0")) > 1:
                ranks[int(known[b"OMPI_COMM_WORLD_RANK"])] = pid
        return everybody, ranks

    def workers(self, last):
        """Processes of ranks 1 to `last` and of what was started in their place."""
        everybody, ranks = self.pids()
        others = {pid for rank, pid in ranks.items() if rank == 0 or rank > last}
        programs = [pid for pid in everybody if _name(pid) == "srpo_cluster"]
        return [pid for pid in programs if pid not in others]

    def mpirun(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        check(len(children) == 1, f"children of srpo_run: {children}")
        return int(children[0])

    def send(self, number, what, *numbers):
        """A signal to ranks; the time at which it was sent."""
        ranks = self.pids()[1]
        at = time.time()
        for each in (number, *numbers):
            os.kill(ranks[each], what)
        return at

    def kill_in_step(self, step, *numbers):
        """kill -9 of ranks in the middle of the drawing of a step: they are stopped first, so that they hold work."""
        self.wait_for(rf"step +{step}/")
        self.send(*numbers[:1], signal.SIGSTOP, *numbers[1:])
        time.sleep(0.15)
        return self.send(*numbers[:1], signal.SIGKILL, *numbers[1:])

    def end(self, code, seconds=180):
        return super().end(code, seconds)

    def state(self):
        match = re.search(r'"state": *"(\w+)"', (self.folder / "status.json").read_text())
        return match.group(1) if match else ""


def _name(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def audit(folder):
    done = subprocess.run([BIN / "srpo_analyze", folder, "audit"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    check(done.returncode == 0, f"the audit of {folder} is not clean:\n{done.stdout}")


def compare(folder, whole):
    """What was recorded and learned is what an undisturbed run has recorded and learned."""
    audit(folder)
    expected, found = trees(whole), trees(folder)
    check(found.keys() == expected.keys(), f"other trees: {sorted(found.keys() ^ expected.keys())}")
    for key, tree in found.items():
        check(tree == expected[key], f"tree {key} differs")
    for name in ("model.safetensors", "config.json"):
        check((folder / "export" / name).read_bytes() == (whole / "export" / name).read_bytes(), f"{name} differs")
