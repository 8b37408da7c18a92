"""The calls of `srpo_bench actors` in Ray: one actor in a worker process. Prints "NAME VALUE UNIT"."""
import statistics
import time

import numpy
import ray


@ray.remote
class Echo:
    def small(self, value):
        return value

    def take(self, payload):
        return len(payload)


def calls_a_second(call, window, seconds):
    start = time.perf_counter()
    under_way, done = [], 0
    while time.perf_counter() - start < seconds:
        while len(under_way) < window:
            under_way.append(call())
        ready, under_way = ray.wait(under_way, num_returns=1)
        ray.get(ready)
        done += len(ready)
    return done / (time.perf_counter() - start)


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
echo = Echo.remote()
for _ in range(200):
    ray.get(echo.small.remote(7))
times = []
for _ in range(2000):
    begin = time.perf_counter()
    ray.get(echo.small.remote(7))
    times.append(1e6 * (time.perf_counter() - begin))
print("round_trip_8", statistics.median(times), "us")
print("calls_64", calls_a_second(lambda: echo.small.remote(7), 64, 3), "/s")
payload = numpy.ones(1 << 20, dtype=numpy.uint8)
print("buffers_1M", 1.048576e-3 * calls_a_second(lambda: echo.take.remote(payload), 16, 3), "GB/s")
