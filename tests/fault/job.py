"""Starts fault_program under srpo_run and reads its log."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

BIN = pathlib.Path(os.environ.get("SRPO_BIN", pathlib.Path(__file__).resolve().parents[2] / "build" / "bin"))


def check(condition, message):
    if not condition:
        sys.exit("FAILED: " + message)


class Job:
    """A running fault_program; `ranks` counts spares too."""

    def __init__(self, ranks, mode, run_options=(), **settings):
        self.folder = tempfile.TemporaryDirectory()
        self.lines = []  # (seconds since the epoch, text)
        words = [f"{key}={value}" for key, value in settings.items()]
        environment = {**os.environ, "FAULT_FOLDER": self.folder.name}
        self.mark = self.folder.name
        self.process = subprocess.Popen(
            [BIN / "srpo_run", *run_options, "-np", str(ranks), BIN / "fault_program", mode, *words],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append((time.time(), line.rstrip()))

    def text(self):
        return "\n".join(line for _, line in list(self.lines))

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

    def end(self, code, seconds=60):
        """Waits for the end; checks its code, and that nothing is left."""
        try:
            found = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            left = self.left()
            self.kill()
            sys.exit(f"FAILED: not at its end after {seconds} s, processes {left}:\n{self.text()}")
        self.reader.join(timeout=10)
        check(found == code, f"exit code {found}, expected {code}:\n{self.text()}")
        check(not self.left(), f"processes are left: {self.left()}")
        return self.text()

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

    def kill(self):
        for pid in [*self.left(), self.process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def counts(self):
        """Of the callers, after the end."""
        match = re.search(r"counts right=(\d+) wrong=(\d+) errors=(\d+) longest_ms=(\d+)", self.text())
        check(match, f"no counts:\n{self.text()}")
        return dict(zip(("right", "wrong", "errors", "longest_ms"), map(int, match.groups())))
