#!/usr/bin/env python3
"""Makes this folder's files: tiny decoders of every family, and what transformers computes with them.

No weights are stored: both sides make them from the tensor's name (`weight_values` here, tests/model/golden_families.h
there). A case is config.json as `save_pretrained` writes it, the names and shapes of its tensors, and logits in float32.

Run with torch 2.11 and transformers 4.57 (5.x computes OLMo-3 wrongly):  python make.py
"""
import json
import pathlib
import tempfile

import numpy as np
import torch
import transformers
from transformers import (DynamicCache, LlamaConfig, LlamaForCausalLM, Olmo2Config, Olmo2ForCausalLM, Olmo3Config,
                          Olmo3ForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)

assert transformers.__version__.startswith("4.57."), transformers.__version__
here = pathlib.Path(__file__).parent
U64 = np.uint64


def weight_values(name, count):
    """Uniform in -1 .. 1: the top 24 bits of splitmix64 over the tensor's name and the place."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = U64(seed) + (np.arange(count, dtype=U64) + U64(1)) * U64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
        z ^= z >> U64(31)
    return ((z >> U64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32)


def fill(model):
    """Norms 0.6 .. 1.4, biases and tables +-0.4, matrices +-2 / sqrt(columns)."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            values = torch.from_numpy(weight_values(name, weight.numel())).reshape(weight.shape)
            if "norm" in name:
                values = 1 + np.float32(0.4) * values
            elif weight.dim() == 1 or "embed" in name or "lm_head" in name:
                values = np.float32(0.4) * values
            else:
                values = values * (np.float32(2) / np.sqrt(np.float32(weight.shape[1])))
            weight.copy_(values)


def rounded(logits):
    return [[round(x, 6) for x in row] for row in logits.tolist()]


COMMON = dict(vocab_size=67, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, max_position_embeddings=65536)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=256)
YARN = dict(rope_type="yarn", factor=8.0, original_max_position_embeddings=128, beta_fast=32.0, beta_slow=1.0)

CASES = {
    "llama3_scaled": (LlamaForCausalLM, LlamaConfig(
        **COMMON, hidden_size=80, intermediate_size=112, num_hidden_layers=3, num_attention_heads=5,
        num_key_value_heads=1, head_dim=64, rope_theta=500000.0, rope_scaling=LLAMA3, tie_word_embeddings=False)),
    "llama_linear_biased": (LlamaForCausalLM, LlamaConfig(
        **COMMON, hidden_size=96, intermediate_size=80, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=96, rope_theta=10000.0, rope_scaling=dict(rope_type="linear", factor=4.0),
        attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(
        **COMMON, hidden_size=160, intermediate_size=128, num_hidden_layers=3, num_attention_heads=10,
        num_key_value_heads=2, rope_theta=1000000.0, use_sliding_window=False, sliding_window=131072,
        max_window_layers=70, tie_word_embeddings=False)),
    "qwen2_yarn_windows": (Qwen2ForCausalLM, Qwen2Config(
        **COMMON, hidden_size=64, intermediate_size=96, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, rope_theta=1000000.0, rope_scaling=YARN, use_sliding_window=True, sliding_window=37,
        max_window_layers=2, tie_word_embeddings=True)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(
        **COMMON, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, head_dim=128, rope_theta=1000000.0, tie_word_embeddings=True)),
    "olmo2": (Olmo2ForCausalLM, Olmo2Config(
        **COMMON, pad_token_id=0, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, rope_theta=500000.0, tie_word_embeddings=False)),
    "olmo3": (Olmo3ForCausalLM, Olmo3Config(
        **COMMON, pad_token_id=0, hidden_size=64, intermediate_size=96, num_hidden_layers=8, num_attention_heads=4,
        num_key_value_heads=1, rope_theta=500000.0, rope_scaling=YARN, sliding_window=64, tie_word_embeddings=False)),
}
ROWS = [0, 1, 15, 36, 37, 63, 64, 65, 127, 128, 198, 199]
FAR = 40000


@torch.no_grad()
def far_logits(model, ids):
    """Ten tokens, then keys and values of zero up to position 40000, then ten more."""
    cache = DynamicCache(config=model.config)
    model(ids[:, :10], past_key_values=cache, use_cache=True)
    full = DynamicCache()
    for index, layer in enumerate(cache.layers):
        shape = list(layer.keys.shape)
        shape[2] = FAR - 10
        zeros = torch.zeros(shape)
        full.update(torch.cat([layer.keys[:, :, :10], zeros], 2), torch.cat([layer.values[:, :, :10], zeros], 2), index)
    positions = torch.arange(FAR, FAR + 10)
    # Masks written out: a cache that is not a sliding one holds all keys.
    columns = torch.arange(FAR + 10)
    masks = {}
    for kind, window in (("full_attention", None), ("sliding_attention", getattr(model.config, "sliding_window", None))):
        seen = columns[None, :] <= positions[:, None]
        if window is not None:
            seen &= columns[None, :] > positions[:, None] - window
        masks[kind] = torch.where(seen, 0.0, torch.finfo(torch.float32).min)[None, None]
    layer_types = getattr(model.config, "layer_types", None)
    mask = masks if layer_types is not None and model.config.model_type != "llama" else masks["full_attention"]
    return model(ids[:, 10:20], past_key_values=full, position_ids=positions[None], cache_position=positions,
                 attention_mask=mask, use_cache=True).logits[0]


@torch.no_grad()
def make(name, kind, config):
    torch.manual_seed(0)
    config._attn_implementation = "eager"
    model = kind(config).float().eval()
    fill(model)
    ids = torch.from_numpy((np.floor((weight_values(name, 200).astype(np.float64) + 1) / 2 * 64) + 3).astype(np.int64))
    ids = ids[None]
    logits = model(ids, use_cache=False, attention_mask=torch.ones_like(ids)).logits[0]
    jumped = torch.cat([torch.arange(10), torch.arange(FAR, FAR + 10)])[None]
    jump = model(ids[:, :20], position_ids=jumped, use_cache=False, attention_mask=torch.ones(1, 20)).logits[0]
    logprobs = torch.log_softmax(logits.double(), -1)
    half = kind(config).to(torch.bfloat16).eval()
    fill(half)
    half_logits = half(ids, use_cache=False, attention_mask=torch.ones_like(ids)).logits[0].double()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        written = json.loads((pathlib.Path(folder) / "config.json").read_text())
        from safetensors import safe_open
        with safe_open(pathlib.Path(folder) / "model.safetensors", "pt") as file:
            shapes = {key: list(file.get_slice(key).get_shape()) for key in sorted(file.keys())}
    result = {
        "config": written,
        "shapes": shapes,
        "ids": ids[0].tolist(),
        "rows": ROWS,
        "logits": rounded(logits[ROWS]),
        "logprobs": [round(logprobs[i, ids[0, i + 1]].item(), 6) for i in range(199)],
        "far": FAR,
        "jump_logits": rounded(jump[[9, 10, 19]]),
        "far_logits": rounded(far_logits(model, ids)[[0, 9]]),
    }
    (here / f"{name}.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
    kl = (logprobs.exp() * (logprobs - torch.log_softmax(half_logits, -1))).sum(-1).mean().item()
    print(name, "largest logit %.2f" % logits.abs().max().item(), "bf16 KL of transformers %.1e" % kl,
          (here / f"{name}.json").stat().st_size, "bytes")


for case, (kind, config) in CASES.items():
    make(case, kind, config)
