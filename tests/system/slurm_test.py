"""jobs/slurm/srpo.sbatch under a Slurm of one node: drained, preempted and out of time, it goes back into the queue."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from cluster import BIN, ENVIRONMENT, SOURCE, TINY, analyze, check
from one_node_slurm import OneNodeSlurm, missing

SCRIPT = SOURCE / "jobs" / "slurm" / "srpo.sbatch"
SKIPPED = 77
STEPS = 400


def program(path, text):
    path.write_text("#!/bin/bash\n" + text)
    path.chmod(0o755)


def check_script(scratch):
    """The script alone, with programs that only say how they were called."""
    folder = scratch / "alone"
    folder.mkdir()
    program(folder / "srpo_run", 'echo "$@" >> "$LOG"; exit "$FAKE_CODE"\n')
    program(folder / "scontrol", 'echo scontrol "$@" >> "$LOG"\n')

    def start(**variables):
        log = folder / "log"
        log.unlink(missing_ok=True)
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SRPO_BIN": str(folder), "LOG": str(log),
                       "SLURM_JOB_ID": "7", "SLURM_NTASKS": "3", "SLURM_JOB_NODELIST": "here",
                       "SLURM_SUBMIT_DIR": str(folder), **variables}
        return subprocess.Popen(["bash", SCRIPT, "job.yaml", "--set", "run.steps=2"], env=environment,
                                stdout=subprocess.PIPE, text=True), log

    def end(**variables):
        job, log = start(**variables)
        output, _ = job.communicate(timeout=20)
        return job.returncode, log.read_text(), output

    code, log, _ = end(FAKE_CODE="75")
    check(code == 0 and "scontrol requeue 7" in log, f"after 75: code {code}, {log}")
    check(f"-np 3 {folder}/srpo_cluster job.yaml --set run.steps=2" in log, log)
    code, log, output = end(FAKE_CODE="75", SRPO_MAX_RESTARTS="3", SLURM_RESTART_COUNT="3")
    check(code == 75 and "scontrol" not in log and "not queued again" in output, f"after the last restart: {code}, {log}")
    for expected in (0, 64, 70):
        code, log, _ = end(FAKE_CODE=str(expected))
        check(code == expected and "scontrol" not in log, f"after {expected}: code {code}, {log}")

    program(folder / "srpo_run", 'trap "echo drained >> $LOG; exit 75" USR1\n'
            'echo ready >> "$LOG"; for i in $(seq 200); do sleep 0.05; done\n')
    job, log = start(FAKE_CODE="0")
    while not log.exists() or "ready" not in log.read_text():
        time.sleep(0.02)
    job.send_signal(signal.SIGUSR1)
    job.communicate(timeout=20)
    check(job.returncode == 0 and "drained\nscontrol requeue 7" in log.read_text(), f"a signal: {log.read_text()}")


class Run:
    """A job of the script under Slurm."""

    def __init__(self, slurm, folder, steps, *options):
        self.slurm = slurm
        self.folder = folder
        self.log = folder.with_suffix(".log")
        self.number = slurm.sbatch(f"--output={self.log}", "--ntasks=1", "--chdir=/tmp", *options, SCRIPT, TINY, "--set",
                                   "ranks=~", "--set", f"run.steps={steps}", "--set",
                                   f"data.validate_every={steps}", "--set", "replay.shard_groups=256", "--set", f"run.folder={folder}")

    def accepted(self):
        if not (self.folder / "replay").is_dir():
            return 0
        try:
            return len(analyze(self.folder, "export", "--format", "jsonl").splitlines())
        except subprocess.CalledProcessError:  # it is being made
            return 0

    def job(self):
        return self.slurm.job(self.number)

    def wait(self, condition, what, seconds=40):
        try:
            self.slurm.wait_for(condition, what, seconds)
        except RuntimeError as error:
            log = self.log.read_text() if self.log.exists() else ""
            daemon = pathlib.Path(self.slurm.folder, "slurmd.log").read_text()[-2000:]
            sys.exit(f"FAILED: {error}\n{self.job()}\n{log}\n{daemon}")

    def wait_for_requeue(self, restarts, what):
        self.wait(lambda: self.job()["Restarts"] == str(restarts) and self.job()["JobState"] == "PENDING",
                  f"a requeue after {what}")
        status = json.loads((self.folder / "status.json").read_text())
        check(status["state"] == "stopped" and "SIGUSR1" in status["reason"], f"after {what}: status {status}")


def check_life(slurm, scratch):
    """Drained by hand, then preempted, then complete."""
    run = Run(slurm, scratch / "run", STEPS, "--signal=B:USR1@10", "--time=10")
    run.wait(lambda: run.accepted() >= 1, "the first trees")
    slurm.run("scancel", "--signal=USR1", "--batch", run.number)
    run.wait_for_requeue(1, "scancel --signal=USR1")
    before = run.accepted()

    slurm.begin_now(run.number)
    run.wait(lambda: run.accepted() > before, "more trees after the first restart")
    urgent = slurm.sbatch("--partition=urgent", "--ntasks=1", f"--output={scratch}/urgent.log", "--wrap=echo urgent")
    run.wait_for_requeue(2, "preemption")
    run.wait(lambda: slurm.job(urgent)["JobState"] == "COMPLETED", "the urgent job")

    slurm.begin_now(run.number)
    run.wait(lambda: run.job()["JobState"] in ("COMPLETED", "FAILED"), "the end", 60)
    log = run.log.read_text()
    check(run.job()["JobState"] == "COMPLETED", log)
    check(log.count("back into the queue") == 2 and "start 2, on" in log, log)
    ledger = json.loads(analyze(run.folder, "audit", "--format", "json"))["ledger"][0]
    check(ledger["violations"] == 0 and ledger["accepted"] == STEPS * 8 + 2 * 16, f"ledger {ledger}")


def check_time_limit(slurm, scratch):
    """Slurm sends the signal so long before the limit; it may come up to a minute early."""
    run = Run(slurm, scratch / "limited", 100 * STEPS, "--time=1", "--signal=B:USR1@55")
    run.wait_for_requeue(1, "the time limit's signal")
    slurm.run("scancel", run.number)


def main():
    lacking = missing()
    if lacking or os.geteuid() != 0:
        print("skipped: " + (f"there is no {', '.join(lacking)}" if lacking else "only root can start a Slurm here"))
        sys.exit(SKIPPED)
    os.environ.update({key: ENVIRONMENT[key] for key in ENVIRONMENT if key.startswith(("OMPI_", "OMP_", "SRPO_"))})
    os.environ["SRPO_BIN"] = str(BIN)
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        check_script(scratch)
        with OneNodeSlurm(scratch / "slurm") as slurm:
            check_life(slurm, scratch)
            check_time_limit(slurm, scratch)
    print("passed")


if __name__ == "__main__":
    main()
