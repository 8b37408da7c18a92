"""A program under srpo_run whose words are read while it runs."""

import os
import signal
import subprocess
import sys
import threading
import time


def check(condition, message):
    if not condition:
        sys.exit("FAILED: " + message)


class Watched:
    """`left()` of a subclass lists the processes of the job but srpo_run itself."""

    def __init__(self, command, environment):
        self.lines = []  # (seconds since the epoch, text)
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append((time.time(), line.rstrip()))

    def text(self):
        return "\n".join(line for _, line in list(self.lines))

    def end(self, code, seconds):
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

    def kill(self):
        for pid in [*self.left(), self.process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
