"""Loads an export with transformers (and peft) and compares log-probabilities: check_export.py CASE.json.

CASE.json: {"model": folder, "adapter": folder or "", "tokens": [...], "first": index of the first token that is
predicted, "logprobs": [...]}. Exit status 1 when one differs by more than 1e-4.
"""

import json
import sys

import torch
import transformers


def main():
    with open(sys.argv[1]) as file:
        case = json.load(file)
    model = transformers.AutoModelForCausalLM.from_pretrained(case["model"], dtype=torch.float32)
    if case["adapter"]:
        import peft

        model = peft.PeftModel.from_pretrained(model, case["adapter"])
    model.eval()
    tokens = torch.tensor([case["tokens"]])
    with torch.no_grad():
        logprobs = torch.log_softmax(model(tokens).logits[0].double(), dim=-1)
    first = case["first"]
    found = [logprobs[t - 1, case["tokens"][t]].item() for t in range(first, len(case["tokens"]))]
    assert len(found) == len(case["logprobs"]), (len(found), len(case["logprobs"]))
    worst = max(abs(a - b) for a, b in zip(found, case["logprobs"]))
    print(f"{len(found)} log-probabilities, largest difference {worst:.2e}")
    return 0 if worst < 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
