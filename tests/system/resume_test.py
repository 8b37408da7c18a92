"""kill -9 of mpirun at several moments: nothing accepted is lost, and the run ends as if it had not happened."""

import pathlib
import signal
import tempfile
import time

from cluster import ENVIRONMENT, TINY, analyze, check, run, start, trees


LONGER = ("--set", "run.steps=10")  # so that a kill finds it running


def accepted(folder):
    """What the journal and the shards hold right now; 0 before there are any."""
    try:
        return len(analyze(folder, "export", "--format", "jsonl").splitlines())
    except Exception:  # the folder is not there yet
        return 0


def wait_until_gone(folder, seconds=15):
    """The ranks of a killed mpirun end by themselves."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(folder).encode() in process.read_bytes():
                    break
            except OSError:
                continue
        else:
            return
        time.sleep(0.1)
    check(False, "ranks are still there")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        whole = pathlib.Path(scratch) / "whole"
        run(7, TINY, *LONGER, "--set", f"run.folder={whole}")
        expected = trees(whole)

        broken = pathlib.Path(scratch) / "broken"
        kills = 0
        for wanted in (1, 20, 60, 100):
            job = start(7, TINY, *LONGER, "--set", f"run.folder={broken}")
            deadline = time.time() + 120
            while job.poll() is None and accepted(broken) < wanted and time.time() < deadline:
                time.sleep(0.05)
            if job.poll() is None:
                job.send_signal(signal.SIGKILL)
                kills += 1
            job.wait()
            wait_until_gone(broken)
            after = trees(broken)
            check(len(after) >= min(wanted, len(expected)), f"{len(after)} trees after a kill at {wanted}")
            for key, tree in after.items():
                check(tree == expected[key], f"tree {key} differs after a kill at {wanted}")
        check(kills >= 2, f"only {kills} kills came before the end")
        run(7, TINY, *LONGER, "--set", f"run.folder={broken}")
        check(trees(broken) == expected, "the resumed run has other trees")
        for name in ("model.safetensors", "config.json"):
            check((broken / "export" / name).read_bytes() == (whole / "export" / name).read_bytes(),
                  f"the resumed run's {name} differs")
    print(f"passed with {kills} kills")


if __name__ == "__main__":
    main()
