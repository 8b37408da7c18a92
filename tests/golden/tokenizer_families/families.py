"""How the tokenizer.json of each family is set up around its vocabulary, as published."""

GPT4_HEAD = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
GPT4_TAIL = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"


def byte_level(add_prefix_space=False, trim_offsets=True, use_regex=False):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": trim_offsets, "use_regex": use_regex}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def begin_with(token):
    """Llama-3's post-processor: one token before a text; its id is filled in later."""
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [
            {"SpecialToken": {"id": token, "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": token, "type_id": 1}},
            {"Sequence": {"id": "B", "type_id": 1}},
        ],
        "special_tokens": {token: {"id": token, "ids": [], "tokens": [token]}},
    }
    return {"type": "Sequence", "processors": [byte_level(add_prefix_space=True), template]}


QWEN = {
    "normalizer": {"type": "NFC"},
    "pre_tokenizer": sequence(split(GPT4_HEAD + GPT4_TAIL), byte_level(trim_offsets=False)),
    "post_processor": byte_level(trim_offsets=False),
    "decoder": byte_level(trim_offsets=False),
    "special": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"],
    "plain": [],
    "model": {"ignore_merges": False},
}

FAMILIES = {
    "gpt2": {
        "normalizer": None,
        "pre_tokenizer": byte_level(use_regex=True),
        "post_processor": byte_level(add_prefix_space=True, trim_offsets=False, use_regex=True),
        "decoder": byte_level(add_prefix_space=True, use_regex=True),
        "special": ["<|endoftext|>"],
        "plain": [],
        "model": {},
    },
    "llama3": {
        "normalizer": None,
        "pre_tokenizer": sequence(split(GPT4_HEAD + "{1,3}" + GPT4_TAIL), byte_level()),
        "post_processor": begin_with("<|begin_of_text|>"),
        "decoder": byte_level(add_prefix_space=True, use_regex=True),
        "special": ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        "plain": [],
        "model": {"ignore_merges": True},
    },
    "qwen2.5": {**QWEN, "plain": ["<tool_call>", "</tool_call>", "<|fim_prefix|>"]},
    "qwen3": {**QWEN, "plain": ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]},
    # OLMo-2 and OLMo-3: dolma2.
    "olmo": {
        "normalizer": None,
        "pre_tokenizer": sequence(split(GPT4_HEAD + "{1,3}" + GPT4_TAIL, "Removed", True), byte_level()),
        "post_processor": None,
        "decoder": byte_level(add_prefix_space=True, use_regex=True),
        "special": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"],
        "plain": ["|||PHONE_NUMBER|||", "|||EMAIL_ADDRESS|||", "<functions>", "</functions>"],
        "model": {},
    },
    "smollm2": {
        "normalizer": None,
        "pre_tokenizer": sequence({"type": "Digits", "individual_digits": True}, byte_level(use_regex=True)),
        "post_processor": None,
        "decoder": byte_level(add_prefix_space=True, use_regex=True),
        "special": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<file_sep>"],
        "plain": [],
        "model": {},
    },
}


def added_token(number, content, special):
    return {
        "id": number,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": special,
    }


def make_file(family, vocabulary, merges, special=None, plain=None):
    """The tokenizer.json of a family with this vocabulary; added tokens that it lacks go behind it."""
    setup = FAMILIES[family]
    highest = max(vocabulary.values())
    added = []
    for tokens, is_special in ((setup["special"] if special is None else special, True), (setup["plain"] if plain is None else plain, False)):
        for token in tokens:
            if token not in vocabulary:
                highest += 1
            added.append(added_token(vocabulary.get(token, highest), token, is_special))
    processor = setup["post_processor"]
    if family == "llama3":
        numbers = {token["content"]: token["id"] for token in added}
        special_tokens = {token: {**entry, "ids": [numbers[token]]} for token, entry in processor["processors"][1]["special_tokens"].items()}
        processor = {**processor, "processors": [processor["processors"][0], {**processor["processors"][1], "special_tokens": special_tokens}]}
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "vocab": vocabulary,
        "merges": merges,
        **setup["model"],
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": sorted(added, key=lambda token: token["id"]),
        "normalizer": setup["normalizer"],
        "pre_tokenizer": setup["pre_tokenizer"],
        "post_processor": processor,
        "decoder": setup["decoder"],
        "model": model,
    }
