"""Writes cases.json: what jinja2 3.1.6 makes of chat templates, set up as transformers does.

usage: make.py > cases.json
"""

import json
import random

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI "
    "assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHATML = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
THINKING = """{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and reasoning_content %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""
OLMO2 = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}{{ '<|system|>\n' + message['content'] + '\n' }}"
    "{% elif message['role'] == 'user' %}{{ '<|user|>\n' + message['content'] + '\n' }}{% elif message['role'] == 'assistant' %}"
    "{% if not loop.last %}{{ '<|assistant|>\n'  + message['content'] + eos_token + '\n' }}{% else %}"
    "{{ '<|assistant|>\n'  + message['content'] + eos_token }}{% endif %}{% endif %}{% if loop.last and add_generation_prompt %}"
    "{{ '<|assistant|>\n' }}{% endif %}{% endfor %}"
)
OLMO3 = """{%- set has_system = messages|selectattr('role', 'equalto', 'system')|list|length > 0 -%}
{%- if not has_system -%}
    {{- '<|im_start|>system\\nYou are a helpful function-calling AI assistant. ' -}}
    {%- if tools is none -%}
        {{- 'You do not currently have access to any functions. <functions></functions><|im_end|>\\n' -}}
    {%- else -%}
        {{- '<functions>' + tools | tojson + '</functions><|im_end|>\\n' -}}
    {%- endif -%}
{%- endif -%}
{%- for message in messages -%}
    {%- if message['role'] == 'system' -%}
        {{- '<|im_start|>system\\n' + message['content'] -}}
        {%- if tools is not none -%}
            {{- '<functions>' + tools | tojson + '</functions>' -}}
        {%- elif message.get('functions', none) is not none -%}
            {{- ' <functions>' + message['functions'] + '</functions>' -}}
        {%- endif -%}
        {{- '<|im_end|>\\n' -}}
    {%- elif message['role'] == 'user' -%}
        {{- '<|im_start|>user\\n' + message['content'] + '<|im_end|>\\n' -}}
    {%- elif message['role'] == 'assistant' -%}
        {{- '<|im_start|>assistant\\n' -}}
        {%- if message.get('content', none) is not none -%}
            {{- message['content'] -}}
        {%- endif -%}
        {%- if not loop.last -%}
            {{- '<|im_end|>' + '\\n' -}}
        {%- else -%}
            {{- eos_token -}}
        {%- endif -%}
    {%- endif -%}
    {%- if loop.last and add_generation_prompt -%}
        {{- '<|im_start|>assistant\\n' -}}
    {%- endif -%}
{%- endfor -%}
"""
STRICT = """{{ bos_token }}
{% for message in messages %}
    {# roles must alternate #}
    {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {% endif %}
    [{{ message['role'] | upper }}] {{ message['content'] | trim }}{{ eos_token if message['role'] == 'assistant' else '' }}
{% endfor %}
"""
TEMPLATES = {"smollm2": SMOLLM2, "chatml": CHATML, "thinking": THINKING, "olmo2": OLMO2, "olmo3": OLMO3, "strict": STRICT}
CONVERSATIONS = [
    [{"role": "user", "content": "What is 2+2?"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " H\u00e9llo \n"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nhi"}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b</think>c"}, {"role": "user", "content": "{{ not }} {% code %} \U0001f600"}],
    [{"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}, {"role": "user", "content": ""}],
]
SNIPPETS = [
    "{{ 1 + 2 * 3 - 4 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 1.5 * 2 }} {{ 2 - -1 }} {{ -3|abs if false else 'x' }}",
    "{{ 'a' ~ 1 ~ none ~ true ~ [1, 'b', 2.0] ~ {'k': 'v'} }}",
    "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' in 'cat' }} {{ 'x' not in ['x'] }} {{ 'role' in messages[0] }} {{ 1 == 1.0 }} {{ none == false }}",
    "{{ not true or true and false }} {{ 'a' or 'b' }} {{ '' and 'b' }}|{{ 0 or [] or 'z' }} {{ 'y' if missing else 'n' }}|{{ 'y' if missing }}|",
    "{{ missing }}|{{ missing is defined }}|{{ messages is defined }}|{{ none is none }}|{{ missing is none }}|{{ missing|default('d') }}|{{ ''|default('d', true) }}|{{ ''|d('d') }}",
    "{{ 'abc'[1] }} {{ 'abc'[-1] }} {{ 'abc'[5] }} {{ 'h\u00e9llo'[1:3] }} {{ 'abcdef'[::-2] }} {{ [1,2,3][1:] }} {{ 'abc'[:-1] }} {{ 'abc'[-9:9] }} {{ 'abcdef'[4:1:-1] }}",
    "{% for i in range(3) %}{{ i }}{{ ',' if not loop.last }}{% endfor %} {% for i in range(5, 0, -2) %}{{ i }}{% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}{% for k in {'a': 1} %}{{ k }}{% endfor %}{% for c in 'h\u00e9' %}[{{ c }}]{% endfor %}",
    "{% for m in messages if m.role == 'user' %}{{ loop.index }}/{{ loop.length }} {{ loop.revindex }} {{ loop.revindex0 }}{% else %}nobody{% endfor %}",
    "{% for x in [] %}a{% else %}b{% endfor %}{% for x in missing %}a{% else %}c{% endfor %}",
    "{% set x = 1 %}{% for i in [1,2] %}{% set x = i * 10 %}{{ x }} {% endfor %}{{ x }}",
    "{% set ns = namespace(n=0, found=false) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }} {{ ns.found }}",
    "{% set a, b = 1, 'two' %}{{ a }}{{ b }}{% set block %}x{{ a }}{% endset %}[{{ block }}]",
    "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in [1,2] %}{% for j in [1,2] %}{{ loop.index }}{% endfor %}{{ loop.index }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}",
    "{{ '  x '|trim }}|{{ 'abc'|length }}|{{ 'h\u00e9'|upper }}|{{ '\u00c9A'|lower }}|{{ [1,2]|join('-') }}|{{ ['a']|first }}|{{ 'xyz'|last }}|{{ 'aXbX'|replace('X', '') }}|{{ 'hELLO w'|capitalize }}",
    "{{ messages|map(attribute='role')|join(',') }} {{ ['a','b']|map('upper')|list }} {{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ messages|rejectattr('role', 'eq', 'user')|list|length }} {{ [0,1,2]|select|list }} {{ [1,2,3]|select('odd')|list }}",
    "{{ {'a': [1, 2.5, 'q\"\\n', none, true], 'b': {}} | tojson }} {{ [] | tojson }} {{ 'h\u00e9 </x> & \\'' | tojson }}",
    "{{ {'a': [1, {'b': []}], 'c': 'd'} | tojson(indent=2) }}",
    "{{ 'a,b,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'xxaxx'.strip('x') }} {{ 'abc'.startswith('ab') }} {{ 'abc'.endswith('bc') }} {{ 'abc'.upper() }} {{ '-'.join(['p','q']) }} {{ 'aab'.replace('a','b') }} {{ 'h\u00e9l'.find('l') }}",
    "{{ messages[0].get('role') }} {{ messages[0].get('nothing') }} {{ messages[0].get('nothing', 'd') }} {{ {'a': 1}.keys()|list }} {{ {'a': 1}.values()|list }}",
    "{{ 'x' is string }} {{ 1 is number }} {{ 1 is integer }} {{ 1.5 is float }} {{ {} is mapping }} {{ [] is sequence }} {{ 'a' is iterable }} {{ true is boolean }} {{ true is true }} {{ 2 is even }} {{ 2 is odd }} {{ 1 is not string }} {{ 'a' is in ['a'] }} {{ 1 is eq 1 }}",
    "{{ 'a' 'b' }} {{ \"it's\" }} {{ 'tab\\there' }} {{ '\\u00e9' }} {{ (1, 2)[0] }} {{ [1, 2,] }} {{ '5'|int + 1 }} {{ 3.9|int }} {{ 'x'|int(7) }} {{ 5|string + '!' }}",
    "{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'ab'|reverse }}|{{ [1,2]|reverse|list }}|{{ [1,1,2]|unique|list }}|{{ ({'a':1}|items|list)[0][1] }}",
    "{% if false %}a{% elif 0 %}b{% elif [] %}c{% else %}d{% endif %}{% if messages %}e{% endif %}",
    "  {% if true %}\n  a\n  {% endif %}\n  b {{ 1 }}\n{# c #}\nd",
    "{{ true }} {{ True }} {{ none }} {{ None }} {{ 100000000000000000.0 }} {{ 0.1 + 0.2 }} {{ 1e3 if false else 1.0 }} {{ 'x' * 3 }} {{ [1] + [2] }}",
    "{% generation %}x{% endgeneration %}",
    "{{ bos_token }}{{ eos_token }}{{ pad_token }}|{{ tools }}|{{ add_generation_prompt }}",
    "{%- for m in messages -%} {{ m.role -}} {%- endfor +%}\n x",
    "{{ missing.x }}", "{{ missing + 1 }}", "{{ 'a' + 1 }}", "{{ messages.x.y }}", "{{ 1 / 0 }}", "{{ 'a' < 1 }}", "{% if %}{% endif %}", "{{ 'a }}", "{% for x in 5 %}{% endfor %}",
    "{{ 'a'|nothing }}", "{{ nothing(1) }}", "{{ 1 is nothing }}", "{% nothing %}", "{{ raise_exception('no') }}", "{% if true %}", "{{ (1 }}", "{% endif %}", "{# open", "{{ 1 +}}", "{{ {'a' 1} }}",
]


def environment():
    class Generation(jinja2.ext.Extension):
        tags = {"generation"}

        def parse(self, parser):
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation])
    made.filters["tojson"] = lambda value, ensure_ascii=False, indent=None: json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    made.globals["raise_exception"] = raise_exception
    return made


def render(template, messages, prompt):
    try:
        return environment().from_string(template).render(
            messages=messages, tools=None, documents=None, add_generation_prompt=prompt, bos_token="<s>", eos_token="</s>"
        )
    except Exception:
        return None  # an error


def white_space_templates():
    """Tags with and without signs among spaces and newlines."""
    randomness = random.Random(9)
    pieces = [" ", "  ", "\n", "\n\n", "\t", "a", "b ", "\r\n"]
    for _ in range(300):
        template = ""
        for _ in range(randomness.randint(1, 9)):
            left, right = randomness.choice(["", "", "-", "+"]), randomness.choice(["", "", "-"])
            kind = randomness.randint(0, 5)
            if kind == 0:
                template += "{{" + left.replace("+", "") + " 'v' " + right + "}}"
            elif kind == 1:
                template += "{%" + left + " set x = 1 " + randomness.choice([right, right, "+"]) + "%}"
            elif kind == 2:
                template += "{#" + left + " c " + right + "#}"
            else:
                template += randomness.choice(pieces)
        yield template


def main():
    cases = []
    for name, template in TEMPLATES.items():
        for messages in CONVERSATIONS:
            for prompt in (True, False):
                cases.append({"name": name, "template": template, "messages": messages, "prompt": prompt})
    for template in SNIPPETS + list(white_space_templates()):
        cases.append({"name": "snippet", "template": template, "messages": CONVERSATIONS[1], "prompt": True})
    for case in cases:
        case["expected"] = render(case["template"], case["messages"], case["prompt"])
    print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")


if __name__ == "__main__":
    main()
