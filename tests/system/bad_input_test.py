"""Bad jobs end before any work: exit code 64, one sentence that names the place, no run folder."""

import pathlib
import tempfile

from cluster import SOURCE, TINY, check, run


def cases(scratch, data):
    """name, ranks, options, words of the sentence"""
    yield "mistyped key", 7, ["--set", "learner.prompts_per_stpe=8"], ["learner.prompts_per_stpe", "prompts_per_step"]
    yield "wrong type", 7, ["--set", "run.steps=many"], ["run.steps", "'many'", "whole number"]
    yield "out of range", 7, ["--set", "generation.top_p=1.5"], ["generation.top_p", "1.5"]
    yield "unknown algorithm", 7, ["--set", "algorithm.name=srop"], ["srop", "srpo"]
    yield "fewer ranks than roles", 3, [], ["7 ranks", "there are 3"]
    yield "impossible counts", 7, ["--set", "ranks.generator=0"], ["ranks.generator"]
    yield "more ranks than work", 7, ["--set", "learner.prompts_per_step=1", "--set", "learner.updates_per_batch=1"], [
        "more ranks than work"]
    yield "both path and from_nothing", 7, ["--set", "model.path=/nowhere"], ["model", "either"]
    yield "missing problems", 7, ["--set", f"data.train=[{{path: {scratch}/none.jsonl}}]"], ["none.jsonl"]
    broken = data / "broken.jsonl"
    broken.write_text('{"question": "1+1", "answer": "2"}\n{"question": \n')
    yield "malformed line", 7, ["--set", f"data.train=[{{path: {broken}}}]"], ["broken.jsonl:2"]
    yield "updates that do not divide", 7, ["--set", "learner.updates_per_batch=3"], ["updates_per_batch", "divisor"]


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "run"
        data = pathlib.Path(scratch)
        count = 0
        for name, ranks, options, words in cases(scratch, data):
            output = run(ranks, TINY, "--set", f"run.folder={folder}", *options, expect=64)
            sentences = [line for line in output.splitlines() if line.startswith("srpo_cluster: ")]
            check(len(sentences) == 1, f"{name}: {len(sentences)} sentences:\n{output}")
            for word in words:
                check(word in sentences[0], f"{name}: '{word}' is not in: {sentences[0]}")
            check(not folder.exists(), f"{name}: a run folder was made")
            count += 1

        missing = run(1, data / "no.yaml", expect=64)
        check("no.yaml" in missing, missing)
        model = pathlib.Path(scratch) / "model"
        model.mkdir()
        job = SOURCE / "jobs" / "smollm2_sums_srpo.yaml"
        torn = run(1, job, "--set", "ranks=~", "--set", f"run.folder={folder}", "--set", f"model.path={model}", expect=64)
        check("config.json" in torn, torn)

        run(7, TINY, "--set", f"run.folder={folder}", "--set", "run.steps=0", "--set", "warm_start.batches=1",
            "--set", "data.validate_every=0")
        other = run(7, TINY, "--set", f"run.folder={folder}", expect=64)
        check("another job" in other and "steps" in other, other)
    print(f"passed {count + 3} cases")


if __name__ == "__main__":
    main()
