"""Starts srpo_cluster under mpirun for the system tests, and reads what a run left."""

import json
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SRPO_BIN", SOURCE / "build" / "bin"))
TINY = SOURCE / "tests" / "system" / "tiny.yaml"
ENVIRONMENT = {
    **os.environ,
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMP_NUM_THREADS": "1",
    "SRPO_PROGRESS": "log",
}


def mpirun(ranks, job, *options):
    return ["mpirun", "--oversubscribe", "-np", str(ranks), str(BIN / "srpo_cluster"), str(job), *options]


def start(ranks, job, *options, **how):
    """A running job; its output is kept in one stream."""
    return subprocess.Popen(mpirun(ranks, job, *options), env=ENVIRONMENT, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, **how)


def run(ranks, job, *options, timeout=240, expect=0):
    """Runs a job to its end and returns its output; fails the test on another exit code."""
    done = subprocess.run(mpirun(ranks, job, *options), env=ENVIRONMENT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False)
    if done.returncode != expect:
        print(done.stdout)
        sys.exit(f"exit code {done.returncode}, expected {expect}: {' '.join(map(str, options))}")
    return done.stdout


def analyze(folder, *arguments):
    return subprocess.run([BIN / "srpo_analyze", folder, *arguments], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


def drop(value, names):
    """A copy without the fields of these names, at any depth."""
    if isinstance(value, dict):
        return {key: drop(each, names) for key, each in value.items() if key not in names}
    if isinstance(value, list):
        return [drop(each, names) for each in value]
    return value


# What may differ between two runs of one job: times, who did it, and what was computed again for it.
INCIDENTAL = {"seconds", "took_ms", "generator", "prefilled_tokens"}


def trees(folder):
    """The recorded trees by key, without what may differ between two runs of one job."""
    found = {}
    text = analyze(folder, "export", "--format", "jsonl")
    for line in filter(None, text.split("\n")):  # not splitlines(): drawn text may hold U+2028
        tree = json.loads(line)
        key = (tree["step"], tree["slot"], tree["validation"])
        check(key not in found, f"tree {key} is recorded twice")
        found[key] = drop(tree, INCIDENTAL)
    return found


def check(condition, message):
    if not condition:
        sys.exit("FAILED: " + message)
