#!/usr/bin/env python3
"""Makes this folder's files: a tiny random Llama with grouped queries, and what transformers computes with it.

Run with torch 2.11 and transformers 4.57 (5.x computes some families wrongly):  python make.py
"""
import json
import pathlib

import torch
from transformers import LlamaConfig, LlamaForCausalLM

here = pathlib.Path(__file__).parent
torch.manual_seed(7)
config = LlamaConfig(
    vocab_size=97, hidden_size=36, intermediate_size=52, num_hidden_layers=3, num_attention_heads=6,
    num_key_value_heads=2, head_dim=12, max_position_embeddings=128, rms_norm_eps=1e-5, rope_theta=10000.0,
    tie_word_embeddings=False, bos_token_id=1, eos_token_id=[0, 2])
model = LlamaForCausalLM(config).float().eval()
with torch.no_grad():
    for name, weight in model.named_parameters():
        if "norm" in name:
            weight.copy_(1 + 0.2 * torch.randn_like(weight))
        else:
            weight.copy_(torch.randn_like(weight) * (0.5 if "embed" in name or "head" in name else 0.25))
model.save_pretrained(here)
(here / "generation_config.json").unlink()
ids = torch.randint(3, 97, (1, 70))
with torch.no_grad():
    logits = model(ids).logits[0]
logprobs = torch.log_softmax(logits.double(), -1)
(here / "expected.json").write_text(json.dumps({
    "ids": ids[0].tolist(),
    "last_logits": [round(x, 6) for x in logits[-1].tolist()],
    "logprobs": [None] + [round(logprobs[i, ids[0, i + 1]].item(), 7) for i in range(69)],
    "greedy": model.generate(ids[:, :20], max_new_tokens=16, do_sample=False, eos_token_id=None)[0, 20:].tolist(),
}) + "\n")
