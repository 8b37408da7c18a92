"""Turns the GGUF file of SmolLM2-135M-Instruct into a Hugging Face folder (see fetch_smollm2).

usage: smollm2_from_gguf.py FILE.gguf FOLDER
"""

import json
import pathlib
import sys

import numpy
from gguf import GGUFReader, TokenType
from gguf.quants import dequantize

LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
TOP_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}


def metadata(reader):
    return {name: field.contents() for name, field in reader.fields.items()}


def hugging_face_name(name):
    """`blk.3.attn_q.weight` -> `model.layers.3.self_attn.q_proj.weight`"""
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{LAYER_NAMES[parts[2]]}.weight"
    return f"{TOP_NAMES[parts[0]]}.weight"


def unpermute(weight, num_heads):
    """GGUF keeps the two halves of a rotary pair side by side; Hugging Face keeps them half a head apart."""
    rows, columns = weight.shape
    half = rows // num_heads // 2
    return weight.reshape(num_heads, half, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def to_bfloat16(values):
    """The bits of float32 values rounded to the nearest bfloat16, ties to even."""
    bits = numpy.ascontiguousarray(values, dtype=numpy.float32).view(numpy.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)


def read_weights(reader, facts):
    weights = {}
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).reshape(tuple(int(n) for n in reversed(tensor.shape)))
        if not numpy.isfinite(values).all():
            raise SystemExit(f"{tensor.name} has values that are not finite")
        if ".attn_q." in tensor.name:
            values = unpermute(values, facts["llama.attention.head_count"])
        elif ".attn_k." in tensor.name:
            values = unpermute(values, facts["llama.attention.head_count_kv"])
        weights[hugging_face_name(tensor.name)] = to_bfloat16(values)
    return weights


def write_safetensors(path, weights):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name in sorted(weights):
        size = weights[name].nbytes
        header[name] = {"dtype": "BF16", "shape": list(weights[name].shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in sorted(weights):
            file.write(weights[name].tobytes())


def make_config(facts):
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": facts["tokenizer.ggml.bos_token_id"],
        "eos_token_id": facts["tokenizer.ggml.eos_token_id"],
        "pad_token_id": facts["tokenizer.ggml.padding_token_id"],
        "hidden_act": "silu",
        "hidden_size": facts["llama.embedding_length"],
        "initializer_range": 0.041666666666666664,
        "intermediate_size": facts["llama.feed_forward_length"],
        "max_position_embeddings": facts["llama.context_length"],
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": facts["llama.attention.head_count"],
        "num_hidden_layers": facts["llama.block_count"],
        "num_key_value_heads": facts["llama.attention.head_count_kv"],
        "rms_norm_eps": float(f"{facts['llama.attention.layer_norm_rms_epsilon']:.3g}"),
        "rope_scaling": None,
        "rope_theta": facts["llama.rope.freq_base"],
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": facts["llama.vocab_size"],
    }


def control_tokens(facts):
    kinds = facts["tokenizer.ggml.token_type"]
    tokens = facts["tokenizer.ggml.tokens"]
    return [(i, tokens[i]) for i, kind in enumerate(kinds) if kind == TokenType.CONTROL]


def make_tokenizer(facts):
    """The vocabulary and merges of the file under SmolLM2's own rules: every digit alone, then byte-level words."""
    tokens, merges = facts["tokenizer.ggml.tokens"], facts["tokenizer.ggml.merges"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens):
        raise SystemExit("the vocabulary names a token twice")
    for digit in "0123456789":
        if digit not in vocabulary:
            raise SystemExit(f"the vocabulary has no token for the digit {digit}")
    for merge in merges:
        left, right = merge.split(" ")
        if left + right not in vocabulary:
            raise SystemExit(f"the merge '{merge}' makes a token that is not in the vocabulary")
        if left[-1] in "0123456789" and right[0] in "0123456789":
            raise SystemExit(f"the merge '{merge}' joins two digits: the digits of this vocabulary do not stand alone")
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": token, **flags} for i, token in control_tokens(facts)],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level],
        },
        "post_processor": None,
        "decoder": {**byte_level, "add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": merges,
        },
    }


def make_tokenizer_config(facts):
    tokens = facts["tokenizer.ggml.tokens"]
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    return {
        "add_prefix_space": False,
        "added_tokens_decoder": {str(i): {"content": token, **flags} for i, token in control_tokens(facts)},
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "bos_token": tokens[facts["tokenizer.ggml.bos_token_id"]],
        "chat_template": facts["tokenizer.chat_template"],
        "clean_up_tokenization_spaces": False,
        "eos_token": tokens[facts["tokenizer.ggml.eos_token_id"]],
        "model_max_length": facts["llama.context_length"],
        "pad_token": tokens[facts["tokenizer.ggml.padding_token_id"]],
        "tokenizer_class": "GPT2Tokenizer",
        "unk_token": tokens[facts["tokenizer.ggml.unknown_token_id"]],
        "vocab_size": len(tokens),
    }


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    reader, folder = GGUFReader(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    facts = metadata(reader)
    generation = {name: make_config(facts)[name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    documents = {
        "config.json": make_config(facts),
        "generation_config.json": {"_from_model_config": True, **generation},
        "tokenizer.json": make_tokenizer(facts),
        "tokenizer_config.json": make_tokenizer_config(facts),
    }
    for name, content in documents.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    (folder / "chat_template.jinja").write_text(facts["tokenizer.chat_template"], encoding="utf-8")
    write_safetensors(folder / "model.safetensors", read_weights(reader, facts))


if __name__ == "__main__":
    main()
