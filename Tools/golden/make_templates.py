"""Small chat templates, one feature each, and what the reference renders from them.

    python make_templates.py OUT_FILE

Needs jinja2 3.1.6, set up as transformers sets it up.
"""

import datetime
import json
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2025, 7, 4, 9, 5, 7)


class Refusal(Exception):
    pass


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        return jinja2.nodes.ScopedEvalContextModifier(
            [], parser.parse_statements(["name:endgeneration"], drop_needle=True), lineno=line)


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise Refusal(message)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


TOOL = {"type": "function", "function": {"name": "add", "description": "Adds — 加", "parameters": {
    "type": "object", "properties": {"a": {"type": "number", "default": 1.5}, "b": {"type": "integer"}}, "required": ["a"]}}}
VARIABLES = {
    "messages": [
        {"role": "system", "content": " Be brief. "},
        {"role": "user", "content": "Hi <b>&'\"\n"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello.", "tool_calls": [
            {"function": {"name": "add", "arguments": {"a": 1, "b": [2.0, None, True, 1e-05], "c": "é\n"}}}]},
        {"role": "tool", "content": [{"type": "text", "text": "3"}, {"type": "image"}]},
    ],
    "tools": [TOOL], "bos_token": "<s>", "add_generation_prompt": True,
    "numbers": [3, 1, 2, 1], "words": ["b", "a", "C", "a"], "text": "Straße naïve e\u0301 😀", "empty": [], "nothing": None,
    "mapping": {"z": 1, "a": "x", "B": None}, "people": [
        {"name": "Ann", "age": 30, "job": {"title": "dev"}}, {"name": "Bob", "age": 25}, {"name": "Cy", "age": 30, "job": {"title": "ops"}}],
    "yes": True, "no": False, "ratio": 0.1, "big": 1e16, "quoted": "it's \"x\"\\\n\t\x00\u200b",
}

TEMPLATES = {
    "chatml": "{%- for message in messages %}\n    {{- '<|im_start|>' + message.role + '\\n' }}\n    {%- if message.content is string %}\n"
    "        {{- message['content'] | trim }}\n    {%- else %}\n        {%- for part in message.content %}\n"
    "            {%- if part.type == 'text' %}{{ part.text }}{% else %}<{{ part.type }}>{% endif %}\n        {%- endfor %}\n    {%- endif %}\n"
    "    {{- '<|im_end|>\\n' }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n",
    "namespace": "{% set ns = namespace(last=-1, found=false) %}{% for m in messages[::-1] %}{% if not ns.found and m.role == 'user' %}"
    "{% set ns.last = messages|length - 1 - loop.index0 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.last }} {{ ns.found }} {{ ns.gone is defined }}",
    "think": "{% set content = messages[2].content %}{% if '</think>' in content %}{{ content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') }}|"
    "{{ content.split('</think>')[-1].lstrip('\\n') }}{% endif %}",
    "tools": "{% for t in tools %}{{ t | tojson }}\n{{ t | tojson(indent=4) }}\n{{ t|tojson(indent=2, sort_keys=true) }}{{ t.function|tojson(separators=(',', ':')) }}{% endfor %}",
    "calls": "{% for call in messages[2].tool_calls %}{% set call = call.function %}{{ call.name }}({{ call.arguments | tojson }}){% for k, v in call.arguments | items %}"
    "{{ k ~ '=' ~ v }}{% if not loop.last %}, {% endif %}{% endfor %}{% for k, v in call.arguments.items() %}[{{ k }}]{% endfor %}{% endfor %}",
    "whitespace": "a  \n  {% if yes %}  \n  b  \n  {% endif %}  \n  {# note #}\nc {{ 'd' }}\n\n  {%+ if yes %}e{% endif +%}\nf\n   {{- 'g' -}}   \n h {%- if yes -%}  i  {%- endif -%}  j\n"
    "{# x #}\n\n{#- y -#}\n k\n\n",
    "line_starts": "{% if yes %}\n  {% if yes %}\n    x\n  {% endif %}\n{% endif %}\n  {% set a = 1 %}  {% set b = 2 %}\n\t{# c #}{{ a }}{{ b }}\n{% raw %}\n  {{ raw }} {% if %}\n  {% endraw %}\nz",
    "crlf": "a\r\n{% if yes %}\r\nb\r{% endif %}\r\n{{ 'c\r\nd' }}\r\n",
    "scopes": "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}{% if yes %}{% set x = 9 %}{% endif %}{{ x }}{% for x in [7] %}{{ x }}{% endfor %}{{ x }}",
    "loops": "{% for n in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}"
    "{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('x', 'y', 'z') }};{% endfor %}{% for n in empty %}{{ n }}{% else %}none{% endfor %}{% for n in gone %}{{ n }}{% else %}gone{% endfor %}"
    "{% for n in numbers if n > 1 %}{{ n }}/{{ loop.length }} {% endfor %}{% for c in 'añ' %}<{{ c }}>{% endfor %}{% for k in mapping %}{{ k }}{% endfor %}"
    "{% for a in [1,2] %}{% for b in [1,2] %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}{% endfor %}",
    "break": "{% for n in [1,2,3,4] %}{% if n == 2 %}{% continue %}{% endif %}{% if n == 4 %}{% break %}{% endif %}{{ n }}{% endfor %}",
    "unpack": "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, d) = ('x', 'y') %}{{ c }}{{ d }}{% for x, y in [(1, 2), [3, 4]] %}{{ x }}-{{ y }} {% endfor %}{{ (1, 2) }}{{ (1,) }}{{ 1, 2 }}",
    "precedence": "{{ 'x' + ' y ' | trim }}{{ 1 + 2 * 3 - 4 }}{{ 'a' ~ 1 * 2 }}{{ 'a' + 'b' ~ 1 + 'c' }}{{ -2 ** 2 }}{{ 2 ** 3 ** 2 }}{{ 7 // 2 }}{{ -7 // 2 }}{{ 7 % 3 }}{{ -7 % 3 }}{{ 7 / 2 }}"
    "{{ not yes or yes }}{{ not no and yes }}{{ not gone is defined }}{{ gone is not defined }}{{ 1 < 2 < 3 }}{{ 1 < 3 < 2 }}{{ 2 * 'ab' }}{{ 'ab' * 2 }}{{ -ratio|abs }}{{ 7.5 // 2 }}{{ 7.5 % 2 }}{{ 1 + 1.0 }}",
    "logic": "{{ nothing or 'd' }}{{ 0 or [] }}{{ 'a' and 'b' }}{{ 'a' if yes }}{{ 'a' if no }}{{ 'a' if no else 'b' if no else 'c' }}{{ 1 == 1.0 }}{{ true == 1 }}{{ 'a' != 'b' }}{{ 1 in numbers }}"
    "{{ 9 not in numbers }}{{ 'z' in mapping }}{{ 'raß' in text }}{{ 'a' < 'b' }}{{ [1, 2] == [1, 2] }}{{ {'a': 1} == {'a': 1} }}{{ nothing == none }}{{ gone == nothing }}{{ 3 >= 3 }}{{ 'x' in gone }}",
    "printing": "{{ nothing }} {{ yes }} {{ no }} {{ ratio }} {{ big }} {{ numbers }} {{ words }} {{ mapping }} {{ gone }} {{ people[1] }} {{ [] }} {{ {} }} {{ 1e3 }} {{ 1_000 }} {{ -0.0 }} {{ [quoted] }} {{ [\"it's\"] }} {{ [1.5, none, true] }}",
    "items": "{{ numbers[0] }}{{ numbers[-1] }}{{ numbers[9] }}{{ numbers[1:] }}{{ numbers[:-1] }}{{ numbers[::-1] }}{{ numbers[1:9:2] }}{{ numbers[-2:] }}{{ numbers[5:] }}{{ numbers[3:0:-1] }}{{ text[0:6] }}{{ text[-1] }}{{ text[::-1] }}"
    "{{ mapping['z'] }}{{ mapping.a }}{{ mapping.gone }}{{ mapping['gone'] is defined }}{{ text.gone is defined }}{{ numbers.0 }}{{ nothing.x is defined }}{{ messages[numbers[1]].role }}",
    "strings": "{{ ' ab '.strip() }}|{{ 'xxabxx'.strip('x') }}|{{ 'xxabxx'.lstrip('x') }}|{{ 'xxabxx'.rstrip('x') }}|{{ 'a b  c'.split() }}|{{ 'a,b,,c'.split(',') }}|{{ 'a,b,c'.split(',', 1) }}|{{ 'abc'.startswith('ab') }}"
    "|{{ 'abc'.endswith(('x', 'bc')) }}|{{ 'aXbX'.replace('X', '-') }}|{{ 'aXbX'.replace('X', '-', 1) }}|{{ 'straße'.upper() }}|{{ 'ÀÉ'.lower() }}|{{ 'hELLO wORLD'.capitalize() }}|{{ text.find('n') }}|{{ 'aaa'.count('a') }}"
    "|{{ 'a\\nb\\r\\nc\\n'.splitlines() }}|{{ 'prefix-x'.removeprefix('prefix') }}|{{ 'x-suffix'.removesuffix('suffix') }}|{{ '12'.isdigit() }}|{{ ', '.join(words) }}|{{ 'é' == 'e\u0301' }}|{{ ' a  b '.split(' ') }}",
    "literals": "{{ 'tab\\tnl\\nq\\'s \\\"d\\\" b\\\\ u\\u00e9 x\\x41 k\\d' }}{{ \"raw\nline\" }}{{ 'a' 'b' }}{{ \"it's\" }}{{ {'a': {'b': [1, (2, 3)]}} }}{{ [1, 2,] }}{{ True }}{{ None }}",
    "filters": "{{ ' a '|trim }}|{{ 'xax'|trim('x') }}|{{ 'aB'|upper }}{{ 'aB'|lower }}{{ 'hELLO wORLD'|capitalize }}{{ 'hello wORLD-x (y)'|title }}|{{ numbers|join(', ') }}|{{ people|join('-', attribute='name') }}|{{ gone|default('d') }}{{ ''|default('d') }}{{ ''|d('d', true) }}"
    "|{{ numbers|first }}{{ numbers|last }}{{ empty|first }}|{{ 'abc'|list }}{{ mapping|list }}|{{ 5|string + 'x' }}{{ '42'|int + 1 }}{{ 'x'|int(7) }}{{ 3.9|int }}{{ '2.5'|float }}|{{ 'a-b-c'|replace('-', '+') }}{{ 'a-b-c'|replace('-', '+', 1) }}|{{ 'abc'|reverse }}{{ numbers|reverse|list }}"
    "|{{ text|length }}{{ numbers|count }}{{ mapping|length }}{{ gone|length }}|{{ -3|abs }}{{ (-3)|abs }}|{{ 'x'|safe }}",
    "sorting": "{{ numbers|sort }}{{ words|sort }}{{ words|sort(case_sensitive=true) }}{{ numbers|sort(reverse=true) }}{{ people|sort(attribute='age')|map(attribute='name')|list }}{{ people|sort(attribute='age', reverse=true)|map(attribute='name')|list }}{{ words|unique|list }}{{ mapping|dictsort }}",
    "selection": "{{ numbers|select('gt', 1)|list }}{{ numbers|reject('equalto', 1)|list }}{{ numbers|select('odd')|list }}{{ people|selectattr('age', 'equalto', 30)|map(attribute='name')|join(',') }}{{ people|rejectattr('age', '==', 30)|list|length }}"
    "{{ people|selectattr('job')|list|length }}{{ people|selectattr('job', 'defined')|map(attribute='job.title')|list }}{{ people|map(attribute='gone', default='?')|list }}{{ words|map('upper')|list }}{{ words|map('replace', 'a', 'o')|join }}{{ [0, 1, '']|select|list }}",
    "tests": "{{ gone is undefined }}{{ nothing is none }}{{ 'x' is string }}{{ 1 is number }}{{ 1.0 is number }}{{ 1 is integer }}{{ yes is integer }}{{ 1.0 is float }}{{ yes is boolean }}{{ yes is true }}{{ no is false }}{{ 1 is true }}{{ mapping is mapping }}{{ words is mapping }}"
    "{{ words is sequence }}{{ 'x' is sequence }}{{ 1 is sequence }}{{ words is iterable }}{{ mapping is iterable }}{{ 1 is iterable }}{{ gone is iterable }}{{ 3 is odd }}{{ 3 is even }}{{ 9 is divisibleby 3 }}{{ 9 is divisibleby(2) }}{{ 1 is in numbers }}{{ 2 is eq 2 }}{{ 2 is gt(1) }}"
    "{{ 'ab' is lower }}{{ 'AB' is upper }}{{ yes is sameas true }}{{ 1 is sameas true }}{{ nothing is not none }}{{ 'a' is string and no is not string }}",
    "macros": "{% macro show(x, y='d', z=none) %}[{{ x }}{{ y }}{{ z }}{{ bos_token }}]{% endmacro %}{{ show(1) }}{{ show(1, 2) }}{{ show(x=1, z=3) }}{{ show('a') | upper }}{% macro tree(n) %}{{ n }}{% if n > 0 %}{{ tree(n - 1) }}{% endif %}{% endmacro %}{{ tree(3) }}{{ show() }}",
    "set_block": "{% set x %}a{{ 1 }}b{% endset %}{{ x }}{% set y | upper | trim %} q {% endset %}<{{ y }}>{% set ns = namespace() %}{% set ns.v %}w{% endset %}{{ ns.v }}",
    "globals": "{% for i in range(3) %}{{ i }}{% endfor %}{{ range(1, 7, 2)|list }}{{ range(3, 0, -1)|list }}{{ dict(a=1, b='x') }}{{ strftime_now('%d %b %Y %B %A %a %H:%M:%S %I %p %y %m %% %-d') }}",
    "indent": "{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent(1, blank=true) }}|{{ 'a\nb'|indent('> ') }}",
    "generation": "{% for m in messages[:2] %}{% generation %}{{ m.role }}\n{% endgeneration %}{% endfor %}",
    "methods": "{{ mapping.keys()|list }}{{ mapping.values()|list }}{{ mapping.get('z') }}{{ mapping.get('q') }}{{ mapping.get('q', 5) }}{% for k, v in mapping.items() %}{{ k }}{{ v }}{% endfor %}",
    "comments": "a{# {{ x }} {% if %} #}b{#- c -#}  d {# e\nf #}\ng",
    "undefined_prints": "[{{ gone }}][{{ gone ~ 'x' }}][{{ messages[9] }}][{{ bos_token }}{{ eos_token }}]",
    "functions": "{{ strftime_now is defined }}{{ raise_exception is defined }}{{ shout is defined }}{% macro m() %}{% endmacro %}{{ m is defined }}{{ +1 }}{{ -(-2.5) }}",
    "refuses": "a{{ raise_exception('Roles must alternate: ' ~ messages|length) }}",
    "member_of_undefined": "{{ gone.x }}",
    "item_of_undefined": "{{ gone['x'] }}",
    "add_mixed": "{{ 'a' + 1 }}",
    "add_undefined": "{{ 'a' + gone }}",
    "add_list": "{{ 'a' + numbers }}",
    "compare_mixed": "{{ 'a' < 1 }}",
    "json_of_undefined": "{{ gone | tojson }}",
    "loop_over_number": "{% for x in 5 %}{% endfor %}",
    "divide_by_zero": "{{ 1 // 0 }}",
    "set_member": "{% set x = 1 %}{% set x.y = 2 %}",
    "unclosed_if": "{% if yes %}x",
    "unclosed_tag": "{{ yes ",
    "stray_end": "x{% endif %}",
    "bad_expression": "{{ 1 + }}",
    "unknown_filter": "{{ 'a' | shout }}",
    "unknown_test": "{{ 'a' is loud }}",
    "unknown_tag": "{% shout %}",
}


def main():
    cases = []
    env = environment()
    for name, source in TEMPLATES.items():
        case = {"name": name, "template": source}
        try:
            case["text"] = env.from_string(source).render(**VARIABLES)
        except Refusal as error:
            case["refusal"] = str(error)
        except Exception as error:  # every other failure is one of the reference's own
            case["error"] = type(error).__name__
        cases.append(case)
    golden = {"reference": f"jinja2 {jinja2.__version__}", "now": NOW.isoformat(), "variables": VARIABLES, "cases": cases}
    with open(sys.argv[1], "w") as file:
        json.dump(golden, file, ensure_ascii=True, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
