#!/usr/bin/env python3
"""Writes tests/golden/adamw/*.txt: 100 updates of torch.optim.AdamW, to hold our own against.

Each file: a line with the options, a line with the initial values, then for every update a line with the gradient and
one with the values after it. Needs the torch package; run from the root of the tree.
"""

import pathlib

import torch

CASES = {
    "method": dict(lr=5e-5, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01),
    "large": dict(lr=1e-2, betas=(0.9, 0.95), eps=1e-6, weight_decay=0.1),
    "no_decay": dict(lr=1e-3, betas=(0.8, 0.99), eps=1e-8, weight_decay=0.0),
}


def line(values):
    return " ".join(f"{v:.9g}" for v in values) + "\n"


def main():
    folder = pathlib.Path("tests/golden/adamw")
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, options) in enumerate(CASES.items()):
        torch.manual_seed(number)
        parameter = torch.nn.Parameter(torch.randn(7))
        optimizer = torch.optim.AdamW([parameter], **options)
        with open(folder / f"{name}.txt", "w") as out:
            out.write(line([options["lr"], *options["betas"], options["eps"], options["weight_decay"]]))
            out.write(line(parameter.tolist()))
            for update in range(100):
                # Gradients of very different sizes, and some that are zero.
                gradient = torch.randn(7) * 10.0 ** torch.randint(-6, 2, (7,))
                gradient[update % 7] = 0
                parameter.grad = gradient
                optimizer.step()
                out.write(line(gradient.tolist()))
                out.write(line(parameter.tolist()))


if __name__ == "__main__":
    main()
