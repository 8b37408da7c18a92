"""A problem that no generator can draw: quarantined and dropped, in the ledger over all starts, and the audit closes."""

import json
import pathlib
import signal
import tempfile

from cluster import TINY, analyze, check, run, start


def main():
    with tempfile.TemporaryDirectory() as scratch:
        problems = pathlib.Path(scratch) / "problems.jsonl"
        lines = [{"question": f"{n} + {n % 7}", "answer": str(n + n % 7)} for n in range(2, 18)]
        lines[5]["question"] = " + ".join(["1"] * 40)  # does not fit the cache
        problems.write_text("".join(json.dumps(line) + "\n" for line in lines))
        folder = pathlib.Path(scratch) / "run"
        job = (7, TINY, "--set", f"run.folder={folder}", "--set", "warm_start.batches=20", "--set", "run.steps=4",
               "--set", f"data.train=[{{path: {problems}}}]", "--set", "data.validate_every=0", "--set",
               "generation.context_tokens=256", "--set", "generation.cache_tokens=224", "--set", "checkpoint.export=none")
        first = start(*job)
        text = ""
        for line in first.stdout:
            text += line
            if "dropped problem" in line:
                break
        first.send_signal(signal.SIGUSR1)
        text += first.stdout.read()
        check(first.wait(timeout=60) == 75, text)
        status = json.loads((folder / "status.json").read_text())
        check(status["state"] == "stopped" and status["dropped"] >= 1, f"status {status}\n{text}")

        text += run(*job)
        status = json.loads((folder / "status.json").read_text())
        check(status["dropped"] == 2 and status["accepted"] == 4 * 8 - 2, f"status {status}\n{text}")
        ledger = json.loads(analyze(folder, "audit", "--format", "json"))["ledger"][0]
        check(ledger["violations"] == 0 and ledger["assigned"] == 32 and ledger["dropped"] == 2, f"ledger {ledger}")
        kept = [json.loads(path.read_text()) for path in (folder / "quarantine").glob("*.json")]
        check(len(kept) == 2 and all("cache" in each["reason"] for each in kept), f"quarantine {kept}")
    print("passed")


if __name__ == "__main__":
    main()
