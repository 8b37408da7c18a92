"""How fast h5py alone reads the shards of a replay folder: all datasets of each, as they are. Usage: FOLDER."""

import pathlib
import sys
import time

import h5py


def read(group):
    """Bytes of all datasets below a group."""
    total = 0
    for value in group.values():
        total += value[()].nbytes if isinstance(value, h5py.Dataset) else read(value)
    return total


def main():
    shards = sorted(pathlib.Path(sys.argv[1]).glob("shard-*.h5"))
    stored = sum(path.stat().st_size for path in shards)
    start = time.perf_counter()
    total = 0
    trajectories = 0
    for path in shards:
        with h5py.File(path, "r") as shard:
            total += read(shard)
            trajectories += int(shard.attrs["num_trajectories"])
    seconds = time.perf_counter() - start
    print(f"{len(shards)} shards, {stored / 1e6:.0f} MB on disk, {total / 1e6:.0f} MB of data: {seconds:.3f} s, "
          f"{stored / 1e6 / seconds:.0f} MB/s, {trajectories / seconds:.0f} trajectories/s")


if __name__ == "__main__":
    main()
