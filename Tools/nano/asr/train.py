"""Train nano-asr: cross entropy with label smoothing plus CTC on the encoder, in bfloat16.

    python train.py --data DIR --vocabulary DIR --out DIR --minutes 96

Two aids that are dropped at export help the decoder to find the alignment: CTC over the letters on
the encoder's output, and a guide that asks one pair of attention heads in the middle layers to look
where, by the CTC head's count of letters, the next token is being spoken.

The learning rate follows the clock, so that training ends on time on any machine: a short rise, a
plateau, and a linear fall over the last `--fall-share`. Interrupted, the same command goes on where the
last checkpoint was. The log has the losses, the speed and the word error rate of held-out clips.

A GPU is used where there is one; tensors are made there because it is the default device.
"""

import argparse
import os
import time

import torch
import torch.nn.functional as F

from decode import transcripts, word_error_rate
from loader import IGNORE, Batches, Clips, Prompt
from model import LETTER_STEPS, LETTERS, Config, SpeechModel
from optimizer import Optimizer
from vocabulary import SPECIAL

LABEL_SMOOTHING = 0.05
GUESSED_SHARE = 0.1
HEADER_TOKENS = 4
GUIDE_LETTERS = 3.0
WARM_UP_STEPS = 100
FINAL_RATE_SHARE = 0.01
LOG_EVERY_STEPS = 25
REPORT_SETS = {"seen": 64, "unseen-flite": 24, "unseen-espeak": 24, "general": 32, "silence": 24}


def guide(watched, batch, audio, letter_scores):
    """Cost of looking elsewhere: the watched heads should attend to the sound of the next token.

    Where that is, the CTC head knows: its probability of "not blank", summed over time, counts the
    letters spoken so far; the answer's own letters are counted in `spoken`.
    """
    steps, clips, _ = letter_scores.shape
    with torch.no_grad():
        inside = torch.arange(steps)[:, None] < audio.sum(1) * LETTER_STEPS
        heard = (1 - letter_scores[..., -1].exp()) * inside
        heard = heard.view(-1, LETTER_STEPS, clips).sum(1)
        total = batch["spoken"].amax(1)
        place = (heard.cumsum(0) - heard / 2) / heard.sum(0).clamp(min=1) * total
        column = (audio.cumsum(1) - 1).clamp(min=0, max=len(place) - 1)
        place = place.T.gather(1, column)
        rows, labels = (batch["spoken"] >= 0).nonzero(as_tuple=True)
        distance = place[rows] - batch["spoken"][rows, labels][:, None]
        near = torch.exp(-0.5 * (distance / GUIDE_LETTERS) ** 2) * audio[rows]
    cost = 0
    for weights in watched:
        hit = (weights[rows, :, labels].float() * near[:, None]).sum(-1)
        cost = cost - torch.log(hit + 1e-3).mean()
    return cost / len(watched)


def alignment_loss(scores, targets, lengths):
    """CTC per target symbol; the last class is the blank."""
    sizes = torch.tensor([len(target) for target in targets])
    joined = torch.tensor([symbol for target in targets for symbol in target])
    blank = scores.shape[-1] - 1
    cost = F.ctc_loss(scores, joined, lengths, sizes, blank, "sum", zero_infinity=True)
    return cost / max(1, len(joined))


def losses(model, batch, pad, vocabulary, aids=True):
    """(cross entropy per answer token, CTC per letter, guide); without `aids` only the first."""
    states, sounds = model.audio_tower(batch["chunks"], batch["frames"])
    tokens, labels = batch["tokens"], batch["labels"]
    audio = tokens == pad
    wanted = labels != IGNORE
    guess = torch.rand(tokens.shape) < GUESSED_SHARE
    guess &= wanted.cumsum(1) > HEADER_TOKENS
    seen = torch.where(guess, torch.randint(0, vocabulary, tokens.shape), tokens)
    watched = [] if aids else None
    x = model.embed(seen, sounds, pad)
    x = model.model(x, torch.arange(tokens.shape[1])[None], watched=watched)
    logits = model.logits(x[wanted]).float()
    cross_entropy = F.cross_entropy(logits, labels[wanted], label_smoothing=LABEL_SMOOTHING)
    if not aids:
        return (cross_entropy,)
    counts = audio.sum(1)
    steps = torch.arange(int(counts.max()))[:, None]
    places = torch.minimum(counts.cumsum(0) - counts + steps, torch.tensor(len(states) - 1))
    scores = model.letter_scores(states.index_select(0, places.flatten()).view(*places.shape, -1))
    ctc = alignment_loss(scores, batch["letters"], counts * LETTER_STEPS)
    return cross_entropy, ctc, guide(watched, batch, audio, scores)


def stays_on_cpu(_worker):
    torch.set_default_device("cpu")


def placed(batch, device):
    """The batch with its tensors on a device."""
    return {k: v.to(device) if torch.is_tensor(v) else v for k, v in batch.items()}


def rate_at(progress, step, peak, fall_share):
    """The rate `progress` through a cycle and `step` steps into it."""
    if step < WARM_UP_STEPS:
        return peak * (step + 1) / WARM_UP_STEPS
    return peak * min(1, max(FINAL_RATE_SHARE, (1 - progress) / fall_share))


class Report:
    """Word error rates of the averaged weights on a part of the test shard."""

    def __init__(self, data, prompt):
        self.prompt, self.sets = prompt, {}
        tests = Clips(data, tests=True)
        for name, count in REPORT_SETS.items():
            chosen = [clip for clip in tests.clips if clip["set"] == name][:count]
            self.sets[name] = [(clip["text"], tests.mel(clip)) for clip in chosen]

    def __call__(self, model):
        line, example = [], ("", "")
        for name, clips in self.sets.items():
            if not clips:
                continue
            references = [text for text, _ in clips]
            found = transcripts(model, [mel for _, mel in clips], self.prompt)
            if name == "silence":
                line.append(f"silence empty {sum(not text for text in found)}/{len(found)}")
            else:
                line.append(f"{name} {100 * word_error_rate(references, found):.1f}%")
            example = example if example[0] else (references[0], found[0])
        return "WER " + ", ".join(line) + f"\n    ref {example[0]}\n    hyp {example[1]}"


class Log:
    def __init__(self, path):
        self.path = path

    def __call__(self, text):
        stamp = time.strftime("%H:%M:%S", time.gmtime())
        print(stamp, text, flush=True)
        with open(self.path, "a") as file:
            file.write(f"{stamp} {text}\n")


def save(path, optimizer, config, seconds):
    state = {"optimizer": optimizer.state_dict(), "config": vars(config), "seconds": seconds}
    torch.save(state, path + ".part")
    os.replace(path + ".part", path)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--vocabulary", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=110)
    parser.add_argument("--batch-seconds", type=float, default=130)
    parser.add_argument("--longest-seconds", type=float, default=20)
    parser.add_argument("--augmented", type=float, default=0.3, help="share of the clips")
    parser.add_argument("--flite-weight", type=float, default=1, help="times a flite clip counts")
    parser.add_argument("--favoured", nargs="*", default=[], help="beginnings of shard names")
    parser.add_argument("--favour", type=float, default=1, help="times a clip of those counts")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--cycle-from", type=float, default=0, help="minute the rate rises anew")
    parser.add_argument("--cycle-step", type=int, default=0, help="step the rate rises anew")
    parser.add_argument("--fall-share", type=float, default=0.5, help="of the cycle, at its end")
    parser.add_argument("--ctc", type=float, default=0.5)
    parser.add_argument("--guide", type=float, default=0.3)
    parser.add_argument("--aids-every", type=int, default=1, help="steps between CTC and guide")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--report-minutes", type=float, default=4)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    torch.set_default_device(arguments.device)
    torch.manual_seed(arguments.seed)
    os.makedirs(arguments.out, exist_ok=True)
    log, path = Log(os.path.join(arguments.out, "asr.log")), os.path.join(arguments.out, "asr.pt")
    tokenizer_file = os.path.join(arguments.vocabulary, "tokenizer.json")
    prompt, config = Prompt(tokenizer_file), Config()
    model = SpeechModel(config).bfloat16()
    optimizer, before = Optimizer(model), 0.0
    if os.path.exists(path):
        state = torch.load(path, map_location="cpu")
        optimizer.load_state_dict(state["optimizer"])
        before = state["seconds"]
    parameters = sum(p.numel() for p in model.parameters())
    log(f"{parameters} parameters, step {optimizer.steps}, {before:.0f} s before")
    seed = arguments.seed * 1000 + optimizer.steps
    longest = arguments.longest_seconds
    stream = Batches(
        arguments.data, tokenizer_file, arguments.batch_seconds, longest, arguments.augmented, seed,
        arguments.flite_weight, tuple(arguments.favoured), arguments.favour,
    )  # fmt: skip
    batches = iter(
        torch.utils.data.DataLoader(
            stream, batch_size=None, num_workers=1, worker_init_fn=stays_on_cpu
        )
    )
    report = Report(arguments.data, prompt)
    started = reported = logged = time.time()
    clips, sums, aided, start = 0, torch.zeros(3), 0, arguments.cycle_from
    while (seconds := before + time.time() - started) < arguments.minutes * 60:
        batch = placed(next(batches), arguments.device)
        aids = optimizer.steps % arguments.aids_every == 0
        parts = losses(model, batch, prompt.pad, prompt.pad - len(SPECIAL), aids)
        weights = (1, arguments.ctc, arguments.guide)
        cost = sum(weight * part for weight, part in zip(weights, parts))
        model.zero_grad(set_to_none=True)
        cost.backward()
        progress = (seconds / 60 - start) / (arguments.minutes - start)
        step = optimizer.steps - arguments.cycle_step
        rate = rate_at(progress, step, arguments.rate, arguments.fall_share)
        norm = optimizer.step(rate)
        clips += len(batch["frames"])
        aided += aids
        for index, part in enumerate(parts):
            sums[index] += float(part.detach())
        if optimizer.steps % LOG_EVERY_STEPS == 0:
            speed = clips / (time.time() - logged)
            counts = torch.tensor([LOG_EVERY_STEPS, max(1, aided), max(1, aided)])
            ce, ctc, looking = (sums / counts).tolist()
            log(
                f"step {optimizer.steps} loss {ce:.3f} ctc {ctc:.3f} guide {looking:.3f}"
                f" rate {rate:.5f} norm {norm:.2f} {speed:.1f} clips/s"
            )
            clips, sums, aided, logged = 0, torch.zeros(3), 0, time.time()
        if time.time() - reported > arguments.report_minutes * 60:
            save(path, optimizer, config, seconds)
            optimizer.publish(optimizer.average)
            log(report(model))
            optimizer.publish()
            reported = logged = time.time()
            clips = 0
    save(path, optimizer, config, seconds)
    optimizer.publish(optimizer.average)
    log("end " + report(model))


if __name__ == "__main__":
    main()
