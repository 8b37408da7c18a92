#!/usr/bin/env python3
"""Makes this folder's files: a PEFT adapter of ../llama_tiny, and the logits of the adapted model.

Run with torch 2.11, transformers 4.57 and peft 0.17:  python make.py
"""
import json
import pathlib

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaForCausalLM

here = pathlib.Path(__file__).parent
torch.manual_seed(11)
base = here.parent / "llama_tiny"
model = LlamaForCausalLM.from_pretrained(base, dtype=torch.float32)
model = get_peft_model(model, LoraConfig(r=2, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj"],
                                         task_type="CAUSAL_LM")).eval()
with torch.no_grad():
    for name, weight in model.named_parameters():
        if "lora_" in name:
            weight.copy_(0.3 * torch.randn_like(weight))
ids = json.loads((base / "expected.json").read_text())["ids"]
with torch.no_grad():
    logits = model(torch.tensor([ids])).logits[0, -1]
model.save_pretrained(here)
(here / "README.md").unlink(missing_ok=True)
config = json.loads((here / "adapter_config.json").read_text())
config["base_model_name_or_path"] = "../llama_tiny"
config["target_modules"] = sorted(config["target_modules"])
(here / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
(here / "expected.json").write_text(json.dumps({"last_logits": [round(x, 6) for x in logits.tolist()]}) + "\n")
