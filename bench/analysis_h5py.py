#!/usr/bin/env python3
"""The summary of a run with h5py and numpy alone: what `srpo_bench analysis` is held against.

usage: analysis_h5py.py RUN [--needed]

Reads every dataset of every shard that the manifest lists (--needed: only those that the measures below look at; nothing is
checked but HDF5's own sums) and prints one JSON line: trajectories, bytes of the shards, seconds, measures.
"""

import argparse
import json
import pathlib
import time

import h5py
import numpy as np

NEEDED = [
    "trees/validation", "trees/num_fresh", "trees/num_suffixes", "trees/has_localization", "trees/prefix_length",
    "trajectories/tree", "trajectories/use", "trajectories/finish", "trajectories/verdict_kind",
    "trajectories/verdict_reward", "trajectories/prefix_length", "trajectories/tokens/offsets",
    "trajectories/thought_ends/offsets", "trajectories/decoded_tokens", "trajectories/prefilled_tokens",
    "localizations/status", "localizations/thought", "localizations/reply_tokens",
]


def shards_of(replay):
    for line in (replay / "MANIFEST.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if "shard" in entry:
            yield replay / entry["name"]


def columns_of(shard, needed):
    if needed:
        return {name: shard[name][:] for name in NEEDED}
    columns = {}
    shard.visititems(lambda name, item: columns.update({name: item[:]}) if isinstance(item, h5py.Dataset) else None)
    return columns


def flat_groups(columns, use, validation):
    """Groups of this use, and those of them whose rewards are all equal."""
    chosen = (columns["trajectories/use"] == use) & ~validation[columns["trajectories/tree"]]
    tree, reward = columns["trajectories/tree"][chosen], columns["trajectories/verdict_reward"][chosen]
    if not len(tree):
        return 0, 0
    starts = np.flatnonzero(np.r_[True, tree[1:] != tree[:-1]])
    low, high = np.minimum.reduceat(reward, starts), np.maximum.reduceat(reward, starts)
    return len(starts), int(np.sum(high - low < 1e-8))


def add_shard(columns, sums):
    def add(name, value):
        sums[name] = sums.get(name, 0) + value

    validation = columns["trees/validation"].astype(bool)
    of_training = ~validation[columns["trajectories/tree"]]
    use, reward = columns["trajectories/use"], columns["trajectories/verdict_reward"]
    lengths = np.diff(columns["trajectories/tokens/offsets"].astype(np.int64)) - columns["trajectories/prefix_length"]
    add("trajectories", len(use))
    add("trees", len(validation))
    for i in range(5):
        add(f"use{i}", int(np.sum(use == i)))
        add(f"reward{i}", float(reward[use == i].sum()))
        add(f"finish{i}", int(np.sum(of_training & (columns["trajectories/finish"] == i))))
        add(f"verdict{i}", int(np.sum(of_training & (columns["trajectories/verdict_kind"] == i))))
    for i in (0, 2):
        groups, flat = flat_groups(columns, i, validation)
        add(f"groups{i}", groups)
        add(f"flat{i}", flat)
    add("sampled", int(lengths[of_training].sum()))
    add("thoughts", int(np.diff(columns["trajectories/thought_ends/offsets"].astype(np.int64))[of_training].sum()))
    add("decoded", int(columns["trajectories/decoded_tokens"].sum()))
    add("prefilled", int(columns["trajectories/prefilled_tokens"].sum()))
    add("resets", len(columns["localizations/status"]))
    add("reply_tokens", int(columns["localizations/reply_tokens"].sum()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--needed", action="store_true")
    arguments = parser.parse_args()
    replay = arguments.run / "replay" if (arguments.run / "replay").is_dir() else arguments.run
    start = time.perf_counter()
    sums, size = {}, 0
    for path in shards_of(replay):
        size += path.stat().st_size
        with h5py.File(path, "r") as shard:
            add_shard(columns_of(shard, arguments.needed), sums)
    seconds = time.perf_counter() - start
    print(json.dumps({"trajectories": sums["trajectories"], "bytes": size, "seconds": seconds, "measures": sums}))


if __name__ == "__main__":
    main()
