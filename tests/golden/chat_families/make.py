"""Writes what transformers.apply_chat_template makes of 200 seeded conversations with each template of this folder.

usage: make.py                             writes cases.json
   or: make.py SRPO_TOKENIZE TEMPLATES     compares srpo_tokenize --chat with it on every *.jinja of a folder, on each fifth conversation

Templates: qwen2.5, qwen3 (Qwen, Apache-2.0), smollm2 (Hugging Face, Apache-2.0), olmo2, olmo3 (Ai2, Apache-2.0) as published;
*_like.jinja are our own. cases.json holds the requests, and for each template a digest of each text, null for an error.
Made with transformers 4.57.3. strftime_now is not exercised here: it would tell another day.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
WORDS = [
    "the", "answer", "is", "42", "\u00e9t\u00e9", "\u4f60\u597d", "\U0001f600", "x^2", "\\frac{1}{2}", "\"quoted\"", "it's", "a\nb", "<tag>", "&", "{{ x }}",
    "{% if %}", "tab\there", "\u0000", "back\\slash", "</think>", "<think>", "<|im_end|>", "<tool_response>", "</tool_response>", "  spaces  ", "\n\n",
]
CITIES = ["Lund", "\u6771\u4eac", "S\u00e3o Paulo", "a \"b\" 'c'", "x\ny"]


def words(draw, most=5):
    return " ".join(draw.choice(WORDS) for _ in range(draw.randint(0, most)))


def make_tool(draw, number):
    properties = {"city": {"type": "string", "description": words(draw, 4)}}
    if draw.random() < 0.5:
        properties["Days"] = {"type": "array", "items": {"type": "integer"}}
    if draw.random() < 0.3:
        properties["area"] = {"type": "object", "properties": {"b": {"type": "number"}, "A": {"type": "boolean"}}}
    parameters = {"type": "object", "properties": properties, "required": ["city"]}
    return {"type": "function", "function": {"name": f"tool_{number}", "description": words(draw, 3), "parameters": parameters}}


def make_call(draw):
    arguments = {"city": draw.choice(CITIES)}
    if draw.random() < 0.5:
        arguments.update(days=draw.randint(-5, 10**12), share=draw.choice([0.5, 1e-7, 1e22, 3.0, -0.0]), flag=draw.random() < 0.5, none=None)
    if draw.random() < 0.3:
        arguments["list"] = [1, [], {}, {"a": [None, True]}]
    return {"type": "function", "function": {"name": f"tool_{draw.randint(0, 2)}", "arguments": arguments}}


def make_turn(draw, tools):
    yield {"role": "user", "content": words(draw)}
    if tools and draw.random() < 0.6:
        content = draw.choice(["", None, words(draw, 3)])
        yield {"role": "assistant", "content": content, "tool_calls": [make_call(draw) for _ in range(draw.choice([1, 1, 2]))]}
        for _ in range(draw.randint(1, 2)):
            yield {"role": "tool", "content": draw.choice([words(draw, 4), "{\"sky\": \"grey\"}"])}
    reply = {"role": "assistant", "content": words(draw)}
    if draw.random() < 0.3:
        reply["content"] = "<think>\n" + words(draw, 3) + "\n</think>\n\n" + words(draw, 3)
    elif draw.random() < 0.2:
        reply["reasoning_content"] = words(draw, 3)
    yield reply


def make_request(draw):
    tools = draw.random() < 0.4
    messages = []
    if draw.random() < 0.5:
        messages.append({"role": "system", "content": words(draw)})
    for _ in range(draw.randint(1, 3)):
        messages += make_turn(draw, tools)
    if draw.random() < 0.6:
        messages.append({"role": "user", "content": words(draw)})
    if draw.random() < 0.05:
        messages[-1]["content"] = [{"type": "text", "text": words(draw, 3)}, {"type": "text", "text": "b"}]
    request = {"messages": messages, "add_generation_prompt": draw.random() < 0.7, "date_string": "26 Jul 2024"}
    if tools:
        request["tools"] = [make_tool(draw, i) for i in range(draw.randint(1, 3))]
    if draw.random() < 0.2:
        request["enable_thinking"] = draw.random() < 0.5
    if draw.random() < 0.1:
        request["builtin_tools"] = ["code_interpreter", "tool_1"]
    if draw.random() < 0.2:
        request["tools_in_user_message"] = False
    return request


def make_requests():
    draw = random.Random(7)
    return [make_request(draw) for _ in range(200)]


def renderer():
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="<s>", eos_token="</s>")

    def render(template, request):
        given = {key: value for key, value in request.items() if key not in ("messages", "tools", "add_generation_prompt")}
        try:
            return tokenizer.apply_chat_template(
                request["messages"], tools=request.get("tools"), chat_template=template, tokenize=False, add_generation_prompt=request["add_generation_prompt"], **given
            )
        except Exception as error:  # what the template or jinja2 refuses
            render.error = error
            return None

    return render


def digest(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def write_cases():
    render, requests = renderer(), make_requests()
    expected = {}
    for path in sorted(HERE.glob("*.jinja")):
        texts = [render(path.read_text(encoding="utf-8"), request) for request in requests]
        expected[path.stem] = [None if text is None else digest(text) for text in texts]
        print(f"{path.stem}: {sum(text is None for text in texts)} refused, the last for: {getattr(render, 'error', '')}")
    rows = ",\n".join(json.dumps(request, ensure_ascii=False, separators=(",", ":")) for request in requests)
    digests = ",\n".join(f"{json.dumps(name)}: {json.dumps(row, separators=(',', ':'))}" for name, row in expected.items())
    (HERE / "cases.json").write_text('{"requests": [\n' + rows + '\n],\n"expected": {\n' + digests + "\n}}\n", encoding="utf-8")


def ask(program, folder, request):
    """One request at a time, for a template may refuse some."""
    answer = subprocess.run([program, "--tokenizer", folder, "--chat"], input=json.dumps(request).encode(), capture_output=True)
    return json.loads(answer.stdout)["text"] if answer.returncode == 0 else None, answer.stderr.decode(errors="replace").strip()


def compare(program, templates):
    render, requests = renderer(), make_requests()[::5]
    family = json.loads((HERE.parent / "tokenizer_families" / "families.json").read_text(encoding="utf-8"))["qwen3"]
    total = 0
    for path in sorted(pathlib.Path(templates).glob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "tokenizer.json").write_text(json.dumps(family), encoding="utf-8")
            (folder / "tokenizer_config.json").write_text("{}")
            (folder / "chat_template.jinja").write_text(source, encoding="utf-8")
            wrong, refused, reason = 0, 0, ""
            for request in requests:
                request = {**request, "bos_token": "<s>", "eos_token": "</s>"}
                theirs = render(source, {k: v for k, v in request.items() if k not in ("bos_token", "eos_token")})
                ours, error = ask(program, name, request)
                refused += theirs is None
                if ours != theirs:
                    wrong += 1
                    reason = reason or (error if ours is None else f"theirs {getattr(render, 'error', '')}" if theirs is None else f"{ours[-300:]!r} instead of {theirs[-300:]!r}")
        total += wrong
        print(f"{path.name}: {wrong} of {len(requests)} differ, {refused} refused by both or one{': ' + reason[:400] if reason else ''}", flush=True)
    return total


def main():
    if len(sys.argv) == 3:
        raise SystemExit(1 if compare(*sys.argv[1:]) else 0)
    if len(sys.argv) != 1:
        raise SystemExit(__doc__)
    write_cases()


if __name__ == "__main__":
    main()
