"""srpo_run with the mpirun of this machine: flags, exit codes, signals, nothing left."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from cluster import BIN, check

RUN = str(BIN / "srpo_run")


def srpo_run(*arguments, timeout=60):
    done = subprocess.run([RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout, check=False)
    return done.returncode, done.stdout, done.stderr


def main():
    code, out, err = srpo_run("-np", "64", "--dry-run", "prog", "a b")
    check(code == 0 and out.strip().endswith("prog 'a b'"), f"dry run: {code} {out} {err}")
    check("--enable-recovery" in out or "--with-ft ulfm" in out, f"no recovery in: {out}")
    check(srpo_run("-np", "x", "prog")[0] == 64, "a bad number is not refused")
    check("no such" not in srpo_run("--help")[2] and srpo_run("--help")[0] == 0, "help")
    code, _, err = srpo_run("--ask", "/nowhere/control.json")
    check(code == 64 and "/nowhere/control.json" in err, f"ask: {code} {err}")
    code, out, err = srpo_run("-np", "2", "/nowhere/program")
    check(code == 64 and "/nowhere/program" in err, f"a program that is not there: {code} {out} {err}")
    recovery = 'echo $OMPI_MCA_orte_enable_recovery$OMPI_MCA_mpi_ft_enable'
    code, out, _ = srpo_run("-np", "3", "sh", "-c", recovery)
    check(code == 0 and out.split() == ["1"] * 3, f"recovery is not on: {out}")
    dies = 'if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then kill -9 $$; fi; sleep 1; echo alive'
    code, out, _ = srpo_run("-np", "3", "sh", "-c", dies)
    check(out.split() == ["alive"] * 2, f"the others did not live on: {out}")

    with tempfile.TemporaryDirectory() as scratch:
        marks = pathlib.Path(scratch)
        works = (f'trap "echo drained > {scratch}/drained.$OMPI_COMM_WORLD_RANK; exit 0" USR1; '
                 f'touch {scratch}/up.$OMPI_COMM_WORLD_RANK; while :; do sleep 0.1; done')
        job = subprocess.Popen([RUN, "-np", "2", "sh", "-c", works])
        wait_for(lambda: len(list(marks.glob("up.*"))) == 2)
        job.send_signal(signal.SIGUSR1)
        check(job.wait(timeout=30) == 0, "drained job")
        check(len(list(marks.glob("drained.*"))) == 2, "the drain did not reach both ranks")

        (marks / "up.0").unlink()
        (marks / "up.1").unlink()
        stays = f'trap "" TERM; echo $$ > {scratch}/up.$OMPI_COMM_WORLD_RANK; while :; do sleep 0.1; done'
        job = subprocess.Popen([RUN, "-np", "2", "sh", "-c", stays])
        wait_for(lambda: all((marks / f"up.{rank}").exists() and (marks / f"up.{rank}").read_text().strip()
                             for rank in (0, 1)))
        pids = [int((marks / f"up.{rank}").read_text()) for rank in (0, 1)]
        mpirun = child_of(job.pid)
        os.kill(mpirun, signal.SIGKILL)
        check(job.wait(timeout=40) != 0, "a killed mpirun is no success")
        check(not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), "ranks outlive a killed mpirun")


def child_of(pid):
    for task in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = task.read_text()
        except OSError:
            continue
        if "mpirun" in text.split(")")[0] or "prterun" in text.split(")")[0]:
            if int(text.rsplit(")", 1)[1].split()[1]) == pid:
                return int(task.parent.name)
    sys.exit("no mpirun below srpo_run")


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, "nothing happens")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
