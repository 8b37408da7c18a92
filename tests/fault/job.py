"""Starts fault_program under srpo_run and reads its log."""

import os
import pathlib
import re
import sys
import tempfile
import time

from watched import Watched, check

BIN = pathlib.Path(os.environ.get("SRPO_BIN", pathlib.Path(__file__).resolve().parents[2] / "build" / "bin"))


class Job(Watched):
    """A running fault_program; `ranks` counts spares too."""

    def __init__(self, ranks, mode, run_options=(), **settings):
        self.folder = tempfile.TemporaryDirectory()
        words = [f"{key}={value}" for key, value in settings.items()]
        environment = {**os.environ, "FAULT_FOLDER": self.folder.name}
        self.mark = self.folder.name
        super().__init__(
            [BIN / "srpo_run", *run_options, "-np", str(ranks), BIN / "fault_program", mode, *words], environment)

    def wait_for(self, pattern, seconds=40, count=1):
        """Matches of the pattern, once there are so many."""
        end = time.monotonic() + seconds
        while True:
            found = [(at, match) for at, line in list(self.lines) if (match := re.search(pattern, line))]
            if len(found) >= count:
                return found
            if time.monotonic() > end:
                self.kill()
                sys.exit(f"FAILED: no '{pattern}' ({len(found)} of {count}) in {seconds} s:\n{self.text()}")
            time.sleep(0.01)

    def workers(self):
        return [int(match.group(1)) for _, match in self.wait_for(r"worker pid=(\d+)")]

    def say_enough(self):
        """Ends the load."""
        (pathlib.Path(self.folder.name) / "enough").touch()

    def end(self, code, seconds=60):
        return super().end(code, seconds)

    def left(self):
        """Processes of this job, by their environment."""
        pids = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                environment = entry.read_bytes()
            except OSError:
                continue
            pid = int(entry.parent.name)
            if f"FAULT_FOLDER={self.mark}".encode() in environment.split(b"\0") and pid != self.process.pid:
                pids.append(pid)
        return pids

    def counts(self):
        """Of the callers, after the end."""
        match = re.search(r"counts right=(\d+) wrong=(\d+) errors=(\d+) longest_ms=(\d+)", self.text())
        check(match, f"no counts:\n{self.text()}")
        return dict(zip(("right", "wrong", "errors", "longest_ms"), map(int, match.groups())))
