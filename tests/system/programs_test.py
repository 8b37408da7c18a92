"""The small programs on the model and the record of a tiny run: what they print, in what order, and how they refuse."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree

from cluster import BIN, ENVIRONMENT, SOURCE, TINY, check, run

CHAT_MODEL = SOURCE / "models" / "SmolLM2-135M-Instruct"
TEXTS = ["1+2", "", " two  spaces\n\ttab", "naïve 你好 🙂", "quote \" and \\ and \x00", "1<|endoftext|>2</thought>\\boxed{3}"]

# One step, long enough a warm start to answer some of the easiest problems, so that filters have both kinds to tell.
LEVEL = "task: arithmetic, lowest_level: 1, highest_level: 1, highest_value: 20, highest_operand: 9"
EASY_JOB = [word for setting in ("ranks=~", "run.steps=1", "warm_start.batches=800", "warm_start.data.highest_level=1",
                                 f"data.train=[{{{LEVEL}, limit: 64}}]",
                                 f"data.validation=[{{{LEVEL}, limit: 64, held_out: true}}]")
            for word in ("--set", setting)]


def call(program, *arguments, lines="", expect=0):
    """Standard output and error of a program; fails the test on another exit code."""
    done = subprocess.run([BIN / program, *map(str, arguments)], input=lines, env=ENVIRONMENT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="surrogateescape",
                          timeout=120, check=False)
    shown = f"{program} {' '.join(map(str, arguments))}"
    check(done.returncode == expect, f"{shown}: exit code {done.returncode}, expected {expect}:\n{done.stderr}")
    check(expect == 0 or len(done.stderr.splitlines()) == 1, f"{shown}: not one sentence:\n{done.stderr}")
    return done.stdout, done.stderr


def to_lines(objects):
    return "".join(json.dumps(each) + "\n" for each in objects)


def ask(program, *arguments, objects):
    """One answer for each line of JSON, or for each line and continuation."""
    return [json.loads(line) for line in call(program, *arguments, lines=to_lines(objects))[0].splitlines()]


def refuses(program, *arguments, lines="", words, answers=0):
    """Exit code 64, the words in the sentence, and so many answers before it."""
    output, sentence = call(program, *arguments, lines=lines, expect=64)
    for word in words:
        check(word in sentence, f"{program} {arguments}: '{word}' is not in: {sentence}")
    check(len(output.splitlines()) == answers, f"{program} {arguments}: expected {answers} answers:\n{output}")


def test_tokenize(model, scratch):
    encode = ["srpo_tokenize", "--tokenizer", model]
    encoded = ask(*encode, objects=[{"text": text} for text in TEXTS])
    check(encoded[0]["ids"] == [ord(each) for each in "1+2"], f"'1+2' became {encoded[0]}")
    check(encoded[1]["ids"] == [], f"nothing became {encoded[1]}")
    check(encoded[5]["ids"] == [49, 258, 50, 256, 257, 51, 125], f"added tokens became {encoded[5]}")
    decoded = ask(*encode, "--decode", objects=encoded)
    check([each["text"] for each in decoded] == TEXTS, f"the way back gave {decoded}")
    bare = ask(*encode, "--decode", "--skip-special", objects=[encoded[5]])
    check(bare[0]["text"] == "12</thought>\\boxed{3}", f"without special tokens: {bare}")

    file = scratch / "texts.jsonl"
    file.write_text(to_lines({"text": text} for text in TEXTS))
    check(call(*encode, file)[0] == to_lines(encoded).replace(" ", ""), "a file and standard input differ")

    good = '{"text": "1"}\n'
    refuses(*encode, lines=good + "\n{\n", words=["stdin:3", "not JSON"], answers=1)
    refuses(*encode, lines=good + '{"text": 3}\n', words=["stdin:2", "text", "number"], answers=1)
    refuses(*encode, "--decode", lines='{"ids": [259]}\n', words=["stdin:1", "259", "0..258"])
    refuses(*encode, scratch / "none.jsonl", words=["none.jsonl"])
    refuses("srpo_tokenize", "--tokenizer", scratch / "none", words=["none"])
    refuses(*encode, "--chat", lines="", words=["chat template"])


def test_chat():
    """Whether there was a model to test with."""
    if not CHAT_MODEL.is_dir():
        return False
    chat = ["srpo_tokenize", "--tokenizer", CHAT_MODEL, "--chat"]
    messages = [{"role": "system", "content": "Add."}, {"role": "user", "content": "1+2"}]
    turns = "<|im_start|>system\nAdd.<|im_end|>\n<|im_start|>user\n1+2<|im_end|>\n"
    opened = ask(*chat, objects=[{"messages": messages}])[0]
    check(opened["text"] == turns + "<|im_start|>assistant\n", f"--chat gave {opened}")
    closed = ask(*chat, "--no-generation-prompt", objects=[{"messages": messages}])[0]
    check(closed["text"] == turns, f"--no-generation-prompt gave {closed}")
    check(opened["ids"][:len(closed["ids"])] == closed["ids"], "an opened turn changed the tokens before it")
    back = ask("srpo_tokenize", "--tokenizer", CHAT_MODEL, "--decode", objects=[opened])[0]
    check(back["text"] == opened["text"], f"the way back gave {back}")
    refuses(*chat, lines='{"messages": [{"role": "user"}]}\n', words=["stdin:1", "content"])
    return True


def test_verify():
    def task(number):
        response = [f"\\boxed{{{number}}}", f"\\boxed{{{number + 1}}}", f"it is {number}"][number % 3]
        return {"kind": "math", "reference": str(number), "response": response, "note": number}

    expected = [(("correct", 1, str(number)), ("wrong", 0, str(number + 1)), ("unparsable", 0, ""))[number % 3]
                for number in range(600)]
    for jobs in (1, 8):
        verdicts = ask("srpo_verify", "--jobs", jobs, objects=map(task, range(600)))
        found = [(each["verdict"], each["reward"], each["answer"]) for each in verdicts]
        check(found == expected, f"--jobs {jobs}: other verdicts or another order")
        check(all(each["took_ms"] >= 0 for each in verdicts), "a time below zero")

    good = to_lines(map(task, range(2)))
    for jobs in (1, 8):
        refuses("srpo_verify", "--jobs", jobs, lines=good + '{"kind": \n' + good, words=["stdin:3", "JSON"], answers=2)
    refuses("srpo_verify", lines=good + "[]\n", words=["stdin:3", "object"], answers=2)
    refuses("srpo_verify", lines='{"kind": "math", "reference": "1"}\n', words=["stdin:1", "response", "missing"])
    refuses("srpo_verify", lines='{"kind": "math", "reference": 1, "response": ""}\n', words=["stdin:1", "reference"])
    refuses("srpo_verify", lines='{"kind": "poem", "reference": "", "response": ""}\n', words=["stdin:1", "poem", "math"])


def stated(verdicts):
    return [(each["verdict"], each["reward"]) for each in verdicts]


def test_verify_programs():
    """Whether this machine can confine a program."""
    tests = {"tests": [{"input": "1\n", "output": "2\n"}, {"input": "4\n", "output": "8\n"}], "time_limit_s": 5}
    right = {"kind": "code", "tests": tests, "response": "```python\nprint(2 * int(input()))\n```"}
    done = subprocess.run([BIN / "srpo_verify"], input=to_lines([right]), env=ENVIRONMENT, capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode == 64 and "no rung of confinement" in done.stderr:
        return False
    check(done.stderr.count("rung ") == 1, f"the rung is not said once: {done.stderr}")

    half = {**right, "tests": tests["tests"], "response": "```python\nprint(2)\n```"}
    none = {**right, "response": "no program"}
    asked = {"kind": "code", "reference": json.dumps(tests), "response": "```python\n1/0\n```"}
    objects = [right, half, none, asked, {"kind": "math", "reference": "1", "response": "\\boxed{1}"}] * 8
    expected = [("correct", 1), ("wrong", 0.5), ("unparsable", 0), ("wrong", 0), ("correct", 1)] * 8
    for jobs in (1, 4):
        check(stated(ask("srpo_verify", "--jobs", jobs, objects=objects)) == expected, f"--jobs {jobs}: other verdicts")
    told = ask("srpo_verify", "--explain", objects=[half, asked])
    check([each["verdict"] for each in told[0]["tests"]] == ["correct", "wrong"], f"--explain: {told[0]}")
    check("test 2 of 2" in told[0]["reason"] and "ZeroDivisionError" in told[1]["tests"][0]["reason"], f"--explain: {told}")

    unit = {"kind": "command", "reference": "2.5 km"}
    command = ["--command", "python3 -S check_units.py", "--command-files", SOURCE / "docs" / "examples" / "check_units.py"]
    judged = ask("srpo_verify", *command, "--jobs", 2, objects=[
        {**unit, "response": response} for response in ("\\boxed{2500 m}", "\\boxed{1 m}", "2.5 km")])
    check(stated(judged) == [("correct", 1), ("wrong", 0), ("unparsable", 0)], f"command: {judged}")

    refuses("srpo_verify", lines=to_lines([{**unit, "response": ""}]), words=["stdin:1", "verify.command"])
    refuses("srpo_verify", "--set", "sandbox.rung=C", lines=to_lines([right]), words=["stdin:1", "allow_weak", "rung"])
    refuses("srpo_verify", "--set", "sandbox.rungs=C", words=["sandbox.rungs"])
    refuses("srpo_verify", "--config", "/nowhere.yaml", words=["nowhere.yaml"])
    refuses("srpo_verify", lines='{"kind": "code", "tests": 3, "response": ""}\n', words=["stdin:1", "tests"])
    return True


def test_bad_answers(kinds):
    """Whatever a model writes: a verdict within the limit."""
    million = 1 << 20
    answers = ["", "\0", "a\0b \\boxed{4\0}", "{" * million, "\\boxed{" * (million // 7), "\\boxed{" + "{" * million,
               "\\boxed{" + "7" * 100000 + "}", "\\boxed{9^{9^{9^{9^9}}}}", "\\boxed{1/0}", "\\boxed{1} and \\boxed{2} or \\boxed{",
               "答案是 \\boxed{四}", "\\boxed{٤}", "الجواب هو ٤", "```python\n" + "(" * million, "```\n" * (million // 4),
               "```python\n\0\n```", "#### " * (million // 5)]
    command = ["--command", "cat >/dev/null; echo '{\"verdict\": \"wrong\"}'"]
    for kind in kinds:
        references = {"code": '{"tests": [{"input": "", "output": "4\\n"}], "time_limit_s": 2}', "countdown": "4 from 3 1"}
        reference = references.get(kind, "4")
        lines = to_lines({"kind": kind, "reference": reference, "response": answer} for answer in answers)
        output, _ = call("srpo_verify", "--explain", *command, lines=lines)
        verdicts = [json.loads(line) for line in output.splitlines()]
        check(len(verdicts) == len(answers), f"{kind}: {len(verdicts)} verdicts of {len(answers)}")
        known = {"correct", "wrong", "unparsable", "timeout", "resource_limit"}
        for answer, verdict in zip(answers, verdicts):
            check(verdict["verdict"] in known and verdict["took_ms"] < 5000, f"{kind}: {answer[:40]!r} gave {str(verdict)[:300]}")
    refuses("srpo_verify", lines='{"kind": "math", "reference": "1", "response": "\udcff"}\n', words=["stdin:1", "UTF-8"])
    refuses("srpo_verify", lines="[" * million + "\n", words=["stdin:1", "nested"])


def test_verified_run(scratch):
    """A run whose rewards come from a command of the user's, and one that the machine must refuse."""
    problems = scratch / "problems.jsonl"
    problems.write_text(to_lines({"question": f"{n}+1", "answer": str(n + 1)} for n in range(8)))
    folder = scratch / "verified"
    command = """cat >/dev/null; echo '{"verdict": "wrong", "reward": 0.25, "answer": "x"}'"""
    job = ["--set", f"run.folder={folder}", "--set", "ranks=~", "--set", "run.steps=1", "--set", "warm_start.batches=1",
           "--set", f"data.train=[{{path: {problems}, kind: command}}]", "--set", "data.validation=[]",
           "--set", f"verify.command.run={json.dumps(command)}"]
    refused = run(1, TINY, *job, "--set", "sandbox.rung=C", expect=64)
    sentences = [line for line in refused.splitlines() if line.startswith("srpo_cluster: ")]
    check(len(sentences) == 1 and "allow_weak" in sentences[0], refused)
    check(not folder.exists(), "a run folder was made")
    output = run(1, TINY, *job)
    check(output.count("sandbox: rung ") == 1, f"the rung is not said once:\n{output}")
    chains = [chain for _, chain in chains_of(export(folder)) if chain["verdict"]["kind"] != "unverified"]
    check(len(chains) >= 8, f"{len(chains)} chains were judged")
    check(all(chain["verdict"]["reward"] == 0.25 and chain["verdict"]["answer"] == "x" for chain in chains),
          f"rewards {[chain['verdict'] for chain in chains][:8]}")


def test_generate(model):
    generate = ["srpo_generate", "--model", model]
    prompts = [{"prompt": "1+2\n"}, {"ids": [52, 43, 53, 10]}, {"prompt": "7 - 2\n"}]

    greedy = ask(*generate, "--temperature", 0, "--max-tokens", 24, objects=prompts)
    check(len(greedy) == 3, f"{len(greedy)} continuations of 3 prompts")
    for more in (["--seed", 9], ["--batch", 1], ["--threads", 2]):
        again = ask(*generate, "--temperature", 0, "--max-tokens", 24, *more, objects=prompts)
        check([each["ids"] for each in again] == [each["ids"] for each in greedy], f"{more} changed greedy tokens")
    for each in greedy:
        check(0 < len(each["ids"]) <= 24 and len(each["logprobs"]) == len(each["ids"]), f"sizes of {each}")
        check((each["finish"] == "token_limit") == (len(each["ids"]) == 24 and each["ids"][-1] != 258), f"end of {each}")
    asked = ask("srpo_tokenize", "--tokenizer", model, "--decode", "--skip-special", objects=greedy)
    check([each["text"] for each in asked] == [each["text"] for each in greedy], "ids and text disagree")

    drawn = ask(*generate, "--n", 3, "--max-tokens", 12, "--seed", 5, objects=prompts)
    check(len(drawn) == 9, f"--n 3 gave {len(drawn)} continuations of 3 prompts")
    check(len({tuple(each["ids"]) for each in drawn}) > 3, "draws do not differ")
    narrow = ask(*generate, "--n", 3, "--max-tokens", 12, "--seed", 5, "--batch", 2, objects=prompts)
    check([each["ids"] for each in narrow] == [each["ids"] for each in drawn], "--batch changed the draws or the order")
    other = ask(*generate, "--n", 3, "--max-tokens", 12, "--seed", 6, objects=prompts)
    check([each["ids"] for each in other] != [each["ids"] for each in drawn], "--seed changed nothing")

    ids = greedy[0]["ids"]
    beginnings = ask("srpo_tokenize", "--tokenizer", model, "--decode",
                     objects=[{"ids": ids[:length]} for length in range(1, len(ids) + 1)])
    stop = greedy[0]["text"][1:3]
    length = 1 + next(at for at, each in enumerate(beginnings) if stop in each["text"])
    check(len(stop) == 2 and length < len(ids), f"too short to stop in: {greedy[0]}")
    stopped = ask(*generate, "--temperature", 0, "--max-tokens", 24, "--stop", stop, objects=prompts[:1])[0]
    check(stopped["ids"] == ids[:length], f"--stop {stop!r} in {greedy[0]['text']!r} gave {stopped}")

    whole = [{"ids": [49, 43, 50, 10] + greedy[0]["ids"]}, {"ids": [7]}, {"ids": []}]
    scored = ask(*generate, "--score", objects=whole)
    check([each["ids"] for each in scored] == [each["ids"] for each in whole], "--score gave other ids")
    check(scored[0]["logprobs"][0] is None and scored[1]["logprobs"] == [None] and scored[2]["logprobs"] == [],
          f"first of --score: {scored}")
    check(all(value < 0 for value in scored[0]["logprobs"][1:]), f"log-probabilities {scored[0]}")
    apart = [abs(a - b) for a, b in zip(scored[0]["logprobs"][4:], greedy[0]["logprobs"], strict=True)]
    check(max(apart) < 1e-3, f"--score and generation disagree by {max(apart)}")

    refuses(*generate, lines='\n{"ids":\n', words=["stdin:2", "JSON"], answers=1)
    refuses(*generate, lines='{"promt": "1"}\n', words=["stdin:1", "prompt"], answers=1)
    refuses(*generate, lines='{"ids": [-1]}\n', words=["stdin:1", "ids"], answers=1)
    refuses(*generate, "--score", lines='{"ids": [7]}\n[]\n{"ids": [8]}\n', words=["stdin:2", "JSON"], answers=3)
    refuses("srpo_generate", "--model", model / "none", words=["none"])


def chains_of(trees):
    return [(tree, chain) for tree in trees for chain in tree["fresh"] + tree["suffixes"]]


def export(folder, *filters):
    return [json.loads(line) for line in call("srpo_analyze", folder, "export", *filters)[0].splitlines()]


def test_export(folder, scratch):
    trees = export(folder)
    training = [tree for tree in trees if not tree["validation"]]
    check(len(training) == 8 and len(trees) == 8 + 2 * 64, f"{len(training)} of {len(trees)} trees are for training")
    failed = [tree for tree in trees if any(chain["verdict"]["reward"] < 1 for chain in tree["fresh"])]
    check(0 < len(failed) < len(trees), f"{len(failed)} of {len(trees)} trees failed: nothing to tell apart")
    for filters, wanted in ((["--slot", 3], [tree for tree in trees if tree["slot"] == 3]),
                            (["--step", 0], [tree for tree in trees if tree["step"] == 0]),
                            (["--failed"], failed),
                            (["--with-reset"], [tree for tree in trees if tree["localization"]]),
                            (["--limit", 5], trees[:5]),
                            (["--step", 7], [])):
        check(export(folder, *filters) == wanted, f"export {filters} gave other trees")

    rows = call("srpo_analyze", folder, "export", "--format", "csv")[0].splitlines()
    names = rows[0].split(",")
    found = [dict(zip(names, row.split(",")))["use"] for row in rows[1:]]
    check(found == [chain["use"] for _, chain in chains_of(trees)], "CSV and JSON lines hold other trajectories")
    check(call("srpo_analyze", folder, "trajectories", "--format", "csv")[0].splitlines() == rows, "two kinds of CSV")

    file = scratch / "trees.jsonl"
    check(call("srpo_analyze", folder, "export", "--out", file)[0] == "", "--out wrote to standard output too")
    check([json.loads(line) for line in file.read_text().splitlines()] == trees, "--out holds other trees")
    check(list(scratch.glob("trees.jsonl*")) == [file], "--out left a draft")
    return trees


def test_reports(folder, trees, scratch):
    summary = json.loads(call("srpo_analyze", folder, "summary", "--per-step", "--format", "json")[0])
    measures = {row["measure"]: row["value"] for row in summary["measures"]}
    uses = [chain["use"] for _, chain in chains_of(trees)]
    for use in ("base", "seed", "suffix", "validation"):
        check(measures[f"trajectories/{use}"] == uses.count(use), f"summary counts {measures[f'trajectories/{use}']} {use}")
    longest = max(len(chain["tokens"]) - chain["prefix_length"] for _, chain in chains_of(trees))
    check(measures["sampled_tokens/max"] == longest, f"longest {measures['sampled_tokens/max']}, not {longest}")
    check([row["problems"] for row in summary["validation"]] == [64, 64], f"validation {summary['validation']}")
    correct = sum(tree["fresh"][0]["verdict"]["kind"] == "correct" for tree in trees if tree["validation"])
    check(sum(row["correct"] for row in summary["validation"]) == correct, f"validation {summary['validation']}")
    check("trees/training" in call("srpo_analyze", folder, "summary")[0], "no table of measures")

    shown = call("srpo_analyze", folder, "trajectories", "--step", 0, "--slot", 3, "--limit", 1)[0]
    check(next(tree for tree in trees if tree["slot"] == 3)["problem"]["question"] in shown, f"trajectories: {shown}")
    check("no tree matches" in call("srpo_analyze", folder, "trajectories", "--step", 7)[0], "trees of step 7")

    picture = scratch / "curve.svg"
    call("srpo_analyze", folder, "curve", "--title", "a < b & c", "--out", picture)
    drawing = xml.etree.ElementTree.parse(picture).getroot()
    check(drawing.tag.endswith("svg"), f"the curve is a {drawing.tag}")
    check("a < b & c" in "".join(drawing.itertext()), "the title is not in the picture")
    check("polyline" in call("srpo_analyze", folder, "curve")[0], "no line in the picture")


def test_audit(folder, trees, scratch):
    audit = json.loads(call("srpo_analyze", folder, "audit", "--format", "json")[0])
    ledger = audit["ledger"][0]
    check(ledger["accepted"] == ledger["readable"] == len(trees), f"ledger {ledger}")
    check(ledger["lost"] == ledger["repeated"] == ledger["damaged_files"] == 0 and audit["damaged"] == [], f"{audit}")

    hurt = scratch / "hurt"
    shutil.copytree(folder, hurt)
    shard = sorted((hurt / "replay").glob("shard-*.h5"))[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 255
    shard.write_bytes(content)
    output, sentence = call("srpo_analyze", hurt, "audit", "--format", "json", expect=64)
    check(shard.name in str(json.loads(output)["damaged"]), f"the damaged file is not named:\n{output}")
    check("1 damaged" in sentence, sentence)


def test_analyze(folder, scratch):
    trees = test_export(folder, scratch)
    test_reports(folder, trees, scratch)
    test_audit(folder, trees, scratch)
    refuses("srpo_analyze", folder, "frobnicate", words=["subcommand"])
    refuses("srpo_analyze", folder, words=["subcommand"])
    refuses("srpo_analyze", folder, "summary", "--format", "xml", words=["xml", "table"])
    refuses("srpo_analyze", scratch / "none", "summary", words=["none", "no run folder"])
    refuses("srpo_analyze", folder, "export", "--out", scratch / "none" / "x", words=["--out", "none"])


def main():
    test_verify()
    confined = test_verify_programs()
    kinds = call("srpo_verify", "--kinds")[0].split()
    test_bad_answers([kind for kind in kinds if confined or kind not in ("code", "command")])
    print("srpo_verify passed" if confined else "srpo_verify passed, without programs: nothing confines them here")
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        folder = scratch / "run"
        run(1, TINY, "--set", f"run.folder={folder}", *EASY_JOB)
        test_tokenize(folder / "export", scratch)
        print("srpo_tokenize passed")
        print("srpo_tokenize --chat " + ("passed" if test_chat() else f"skipped: there is no {CHAT_MODEL}"))
        test_generate(folder / "export")
        print("srpo_generate passed")
        test_analyze(folder, scratch)
        if confined:
            test_verified_run(scratch)
        print("srpo_analyze passed")


if __name__ == "__main__":
    main()
