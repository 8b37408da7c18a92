"""Drawing ahead of training: the audit stays clean, chains keep to the staleness bound, and one_step_off does not
depend on the layout."""

import json
import pathlib
import tempfile

from cluster import TINY, analyze, check, run, trees


def audit(folder):
    ledger = json.loads(analyze(folder, "audit", "--format", "json"))["ledger"][0]
    check(ledger["readable"] == ledger["accepted"], f"ledger {ledger}")
    check(ledger["lost"] == ledger["repeated"] == ledger["damaged_files"] == 0, f"ledger {ledger}")


def in_flight(scratch, bound):
    """Chains go on under new weights."""
    folder = scratch / f"async{bound}"
    # Few long chains at a time: steps end while they are drawn.
    long = ("warm_start.batches=1", "generation.response_tokens=180", "generation.max_thoughts=12",
            "generation.max_sequences=4", "generation.context_tokens=250")
    options = (f"run.folder={folder}", "run.steps=8", f"schedule={{mode: async, max_staleness: {bound}}}", *long)
    run(7, TINY, *(word for option in options for word in ("--set", option)))
    audit(folder)
    mixed = 0
    for tree in trees(folder).values():
        for chain in tree["fresh"] + tree["suffixes"]:
            if tree["validation"] or not chain["version_spans"]:
                continue
            oldest = chain["version_spans"][0]["version"]
            check(tree["step"] - oldest <= bound, f"step {tree['step']} learns from a token of version {oldest}")
            mixed += len(chain["version_spans"]) > 1
    check(bound == 0 or mixed > 0, "no chain went on under new weights")
    print(f"async, bound {bound}: {mixed} chains were drawn by more than one version")


def one_off(scratch):
    """Other numbers of generators, the same trees."""
    reference = None
    for generators in (2, 1):
        folder = scratch / f"off{generators}"
        run(5 + generators, TINY, "--set", f"run.folder={folder}", "--set", "schedule.mode=one_step_off", "--set",
            f"ranks.generator={generators}")
        audit(folder)
        reference = reference or trees(folder)
        check(trees(folder) == reference, "another number of generators gave other trajectories")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        in_flight(pathlib.Path(scratch), 2)
        in_flight(pathlib.Path(scratch), 0)
        one_off(pathlib.Path(scratch))
    print("passed")


if __name__ == "__main__":
    main()
