"""A generator that stands still: its calls time out, are cancelled there, and are drawn elsewhere; it is not to blame."""

import json
import os
import pathlib
import signal
import tempfile
import time

from cluster import TINY, check, run, start, trees


LONGER = ("--set", "run.steps=40")  # so that the generator is needed while it stands still


def ranks_of(folder):
    """Process ids by rank."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() not in (process / "cmdline").read_bytes():
                continue
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for variable in environment:
            if variable.startswith(b"OMPI_COMM_WORLD_RANK="):
                found[int(variable.split(b"=")[1])] = int(process.name)
    return found


def main():
    with tempfile.TemporaryDirectory() as scratch:
        whole = pathlib.Path(scratch) / "whole"
        run(7, TINY, *LONGER, "--set", f"run.folder={whole}")

        folder = pathlib.Path(scratch) / "run"
        job = start(7, TINY, *LONGER, "--set", f"run.folder={folder}", "--set", "run.call_seconds=3")
        output = []
        for line in job.stdout:
            output.append(line)
            if "drawing step 0" in line or "validation at step 0   accuracy" in line:
                break
        generator = ranks_of(folder)[1]
        os.kill(generator, signal.SIGSTOP)
        time.sleep(4)
        os.kill(generator, signal.SIGCONT)
        text = "".join(output) + job.stdout.read()
        job.wait(timeout=120)
        check(job.returncode == 0, f"exit code {job.returncode}:\n{text}")
        check("generator 0 failed at" in text, "no call has timed out:\n" + text)
        check("in flight already" not in text and "quarantined" not in text, text)
        check(trees(folder) == trees(whole), "the run has other trees")
        status = json.loads((folder / "status.json").read_text())
        check(status["dropped"] == 0, f"status {status}")
    print("passed")


if __name__ == "__main__":
    main()
