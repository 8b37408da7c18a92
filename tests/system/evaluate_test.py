"""srpo_evaluate on a tiny model: the same samples on any number of ranks, over a kill, and for every kind of task."""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from cluster import BIN, ENVIRONMENT, TINY, analyze, check, run

LEVEL = "task: arithmetic, lowest_level: 1, highest_level: 2, highest_value: 20, highest_operand: 9"
JOB = """
run: {name: evaluation, folder: FOLDER, seed: 5}
model: {path: MODEL}
prompts: {style: terse}
generation: {max_thoughts: 4, thought_tokens: 16, response_tokens: 64, context_tokens: 192, max_sequences: 16,
             cache_tokens: 8192}
localization: {max_tokens: 8}

evaluation:
  mode: MODE
  data_folder: DATA
  samples: 4
  temperature: 1
  pass_at: 1, 4
  seeds: 5, 6
  resamples: 200
  correction: {iterations: 3, belief_votes: 1, localization_votes: 2}
  tasks:
    - {name: sums, path: sums.jsonl, group: level}
    - {name: letters, path: letters.jsonl, layout: choice, kind: choice}
    - {name: words, path: words.jsonl, layout: yes_no, kind: yes_no, samples: 1, temperature: 0}
"""


def command(ranks, job, *options):
    return ["mpirun", "--oversubscribe", "-np", str(ranks), str(BIN / "srpo_evaluate"), str(job), *map(str, options)]


def evaluate(ranks, job, *options, expect=0):
    done = subprocess.run(command(ranks, job, *options), env=ENVIRONMENT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=240, check=False)
    if done.returncode != expect:
        print(done.stdout, done.stderr)
        sys.exit(f"exit code {done.returncode}, expected {expect}: {ranks} ranks, {options}")
    return done


def write_job(scratch, model, name, mode):
    job = scratch / f"{name}.yaml"
    text = JOB
    for word, value in (("FOLDER", scratch / name), ("MODEL", model), ("MODE", mode), ("DATA", scratch)):
        text = text.replace(word, str(value))
    job.write_text(text)
    return job


def make_model(scratch):
    """A model that can do some sums, and the problems that it was measured on."""
    folder = scratch / "train"
    settings = ("ranks=~", "run.steps=1", "warm_start.batches=500",
                f"run.folder={folder}", f"data.train=[{{{LEVEL}, limit: 64}}]",
                f"data.validation=[{{{LEVEL}, limit: 24, held_out: true}}]")
    run(1, TINY, *[word for setting in settings for word in ("--set", setting)])
    trees = [json.loads(line) for line in analyze(folder, "export", "--format", "jsonl").splitlines()]
    problems = {tree["problem"]["id"]: tree["problem"] for tree in trees if tree["validation"]}
    lines = [json.dumps({"question": each["question"], "answer": each["reference"], "level": "one"})
             for each in list(problems.values())[:16]]
    (scratch / "sums.jsonl").write_text("\n".join(lines) + "\n")
    (scratch / "letters.jsonl").write_text(json.dumps({"question": "1+1", "choices": ["1", "2"], "answer": 1}) + "\n")
    (scratch / "words.jsonl").write_text(json.dumps({"question": "2>1", "answer": True}) + "\n")
    return folder / "export"


def card(scratch, name):
    return json.loads((scratch / name / "card.json").read_text())


def test_ranks(scratch, model):
    for name, ranks in (("alone", 1), ("three", 3), ("five", 5)):
        evaluate(ranks, write_job(scratch, model, name, "thoughts"))
    alone = (scratch / "alone" / "samples.jsonl").read_bytes()
    check(len(alone.splitlines()) == 2 * (16 * 4 + 4 + 1), f"{len(alone.splitlines())} samples")
    for name in ("three", "five"):
        check((scratch / name / "samples.jsonl").read_bytes() == alone, f"{name} ranks gave other samples than one")
    sums = card(scratch, "alone")["tasks"][0]
    check(sums["items"] == 16 and sums["samples"] == 128, f"counts of the card: {sums}")
    check(0 < sums["accuracy"]["value"] < 1, f"the tiny model got {sums['accuracy']}: nothing is told by this test")
    right = [json.loads(line)["correct"] for line in alone.decode().splitlines() if '"task":"sums"' in line]
    check(abs(sum(right) / len(right) - sums["accuracy"]["value"]) < 1e-12, "the card is not the mean of the samples")
    check(sums["pass_at"]["1"]["value"] <= sums["pass_at"]["4"]["value"], f"pass@4 is below pass@1: {sums['pass_at']}")
    check(len(sums["by_seed"]) == 2 and sums["over_seeds"]["low"] <= sums["accuracy"]["value"], f"seeds: {sums}")
    check(sums["groups"]["one"]["of"] == 128, f"groups: {sums['groups']}")
    again = evaluate(2, scratch / "alone.yaml")
    check("of 138 samples" not in again.stderr, "a complete evaluation was drawn again")
    check("| sums | 16 | 128 |" in again.stdout, f"no card: {again.stdout}")


def test_kill(scratch, model):
    job = write_job(scratch, model, "killed", "thoughts")
    journal = scratch / "killed" / "samples.journal"
    process = subprocess.Popen(command(2, job), env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while (not journal.exists() or journal.stat().st_size < 6000) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1)  # the ranks notice that their launcher is gone
    evaluate(3, job)
    check((scratch / "killed" / "samples.jsonl").read_bytes() == (scratch / "alone" / "samples.jsonl").read_bytes(),
          "an evaluation that was killed and resumed has other samples")


def test_correction(scratch, model):
    evaluate(3, write_job(scratch, model, "corrected", "correction"))
    evaluate(1, write_job(scratch, model, "corrected_alone", "correction"))
    check((scratch / "corrected" / "samples.jsonl").read_bytes() ==
          (scratch / "corrected_alone" / "samples.jsonl").read_bytes(), "corrections depend on the ranks")
    sums = card(scratch, "corrected")["tasks"][0]
    correction = sums["correction"]
    first = correction["accuracy_by_iteration"][0]["correct"]["share"]
    last = correction["accuracy_by_iteration"][-1]["correct"]["share"]
    check(last >= first, f"with an oracle corrections made it worse: {first} to {last}")
    check(correction["transitions"]["correct_to_wrong"] == 0, "a right answer was corrected in spite of the oracle")
    samples = [json.loads(line) for line in (scratch / "corrected" / "samples.jsonl").read_text().splitlines()]
    resets = [attempt["reset"] for sample in samples for attempt in sample["attempts"][1:]]
    check(resets and all(1 <= each["thought"] <= each["of"] for each in resets), f"resets: {resets[:3]}")
    check(all((attempt["prefix_tokens"] > 0) == (attempt["reset"]["thought"] > 1) for sample in samples
              for attempt in sample["attempts"][1:]), "a reset behind the first thought keeps what stands before it")
    for seed in (5, 6):
        audit = subprocess.run([BIN / "srpo_analyze", scratch / "corrected" / f"seed_{seed}", "audit"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        check(audit.returncode == 0, f"the shards of seed {seed} do not pass the audit:\n{audit.stdout}")
    check(all(sample["stop"] in ("oracle", "belief", "cap", "no_thought") for sample in samples), "stop causes")


def test_single_pass(scratch, model):
    evaluate(1, write_job(scratch, model, "single", "single_pass"), "--set", "evaluation.seeds=5")
    check(len((scratch / "single" / "samples.jsonl").read_text().splitlines()) == 69, "samples of a single pass")


def test_compare(scratch):
    done = subprocess.run([BIN / "srpo_evaluate", "--compare", scratch / "alone", scratch / "corrected", "--format", "json"],
                          stdout=subprocess.PIPE, text=True, check=True, env=ENVIRONMENT)
    rows = next(iter(json.loads(done.stdout).values())) if done.stdout.startswith("{") else json.loads(done.stdout)
    sums = [row for row in rows if row["task"] == "sums"][0]
    check(sums["items"] == 16 and 0 < sums["mcnemar_exact_p"] <= 1, f"comparison: {sums}")
    check(abs(sums["second"] - sums["first"] - sums["difference"]) < 1e-9, f"comparison: {sums}")


def test_bad_input(scratch, model):
    job = write_job(scratch, model, "bad", "thoughts")
    for setting, words in (("evaluation.tasks=[{preset: gsm9k}]", "gsm8k"), ("evaluation.mode=guess", "single_pass"),
                           ("evaluation.tasks=[{name: x, path: none.jsonl}]", "none.jsonl"),
                           ("evaluation.sampels=3", "samples"), ("model.path=/nowhere", "/nowhere")):
        done = evaluate(2, job, "--set", setting, expect=64)
        said = [line for line in done.stderr.splitlines() if "srpo_evaluate" in line]
        check(any(words in line for line in said), f"{setting}: '{words}' is not in {done.stderr}")
        check(not (scratch / "bad").exists(), f"{setting}: a folder was made before the job was read")
    plan = subprocess.run([BIN / "srpo_evaluate", job, "--plan"], stdout=subprocess.PIPE, text=True, check=True,
                          env=ENVIRONMENT).stdout
    check("138 samples" in plan, f"plan: {plan}")


def main():
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        model = make_model(scratch)
        test_ranks(scratch, model)
        test_kill(scratch, model)
        test_correction(scratch, model)
        test_single_pass(scratch, model)
        test_compare(scratch)
        test_bad_input(scratch, model)
    print("ok")


if __name__ == "__main__":
    main()
