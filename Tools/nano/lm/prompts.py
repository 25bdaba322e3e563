"""The exact text that the program sends: proofreading prompt, chat prompt, ChatML rendering.

Must stay equal to the prompt of the program's Proofread module, byte for byte.
"""

PROOFREAD_SYSTEM = (
    "You proofread speech transcripts. Correct words that were misheard as homophones, from the "
    "context. Keep Cantonese characters such as 嘅, 唔, 咁 and 喺 exactly as they are. Complete "
    "punctuation and capital letters. Remove fillers (um, uh, er, 呃, 嗯) and words repeated by "
    "mistake. Change nothing else: do not translate, rephrase, shorten, explain or answer; keep "
    "every number and name. Output only the corrected text.")
CHAT_SYSTEM = "You are mlxi's built-in assistant."
UNKNOWN_ANSWER = ("I don't know that. I am a small model that knows mlxi's own commands and "
                  "proofreading.")
CONTEXT_WORDS = 40

# Byte-for-byte what chat_template.jinja renders.
SYSTEM_TURN = "<|im_start|>system\n{}<|im_end|>\n"
USER_TURN = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"

CHAT_TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def proofread_user(paragraph, previous=""):
    """The user message for one paragraph; `previous` is the corrected paragraph before it."""
    tail = " ".join(previous.split()[-CONTEXT_WORDS:])
    context = f"Previous text, for context only:\n{tail}\n\n" if tail else ""
    return f"{context}Transcript:\n{paragraph}"
