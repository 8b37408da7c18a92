"""Refuses an #include of a folder, or of a third-party library, that the including folder does not declare."""

import pathlib
import re
import sys

# Which folders may include which third-party headers. ranks and apps see everything the design lets them.
THIRD_PARTY = {
    "mpi.h": {"comm"},
    "nccl.h": {"comm"},
    "cuda_runtime.h": {"comm", "engine", "model"},
    "hdf5.h": {"storage"},
    "ATen/": {"model", "engine", "learner", "ranks", "rl", "apps"},
    "c10/": {"model", "engine", "learner", "ranks", "rl"},
    "torch/": {"model", "learner", "rl"},
    "boost/": {"actors", "dashboard"},
    "spdlog/": {"core"},
    "yaml-cpp/": {"core"},
    "nlohmann/": {"text", "storage", "verify", "model", "learner", "analysis", "dashboard", "evaluation", "ranks", "apps"},
    "pcre2.h": {"text"},
    "unicode/": {"text"},
    "zlib.h": {"verify", "evaluation"},
    "CLI/": {"apps"},
}
# In rl, LibTorch is for packing and losses only.
TORCH_IN_RL = {"training_batch.h", "training_batch.cpp", "policy_loss.h", "policy_loss.cpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def read_graph(path):
    graph = {}
    for line in pathlib.Path(path).read_text().splitlines():
        folder, depends = line.split(":")
        graph[folder] = set(depends.split())
    return graph


def closure(graph, folder):
    """The folders that `folder` lists, and those that they list."""
    seen = set()
    todo = list(graph.get(folder, ()))
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(graph[name])
    return seen


def violations(source, graph):
    for path in sorted(source.rglob("*")):
        if path.suffix not in {".h", ".cpp", ".cu", ".cuh", ".inc"}:
            continue
        folder = path.relative_to(source).parts[0]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            kind, name = match.groups()
            where = f"src/{path.relative_to(source)}:{number}"
            if kind == '"':
                target = name.split("/")[0]
                if folder == "apps" or target == folder:
                    continue
                if "/" not in name or target not in closure(graph, folder):
                    yield f"{where}: src/{folder} may not include {name}"
                continue
            for prefix, allowed in THIRD_PARTY.items():
                if name.startswith(prefix) and folder not in allowed:
                    yield f"{where}: src/{folder} may not include <{name}>"
            if folder == "rl" and name.startswith(("ATen/", "c10/", "torch/")) and path.name not in TORCH_IN_RL:
                yield f"{where}: in src/rl only packing and losses may include <{name}>"


def main():
    source, graph = pathlib.Path(sys.argv[1]), read_graph(sys.argv[2])
    found = list(violations(source, graph))
    print("\n".join(found) if found else f"{len(graph)} folders, no undeclared include")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
