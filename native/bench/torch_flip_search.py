"""The flip search as PyTorch expresses it (matmul, softmax, thresholds; no kernel of our own), timed on a CUDA device.

    python3 torch_flip_search.py 'NAME ROWS DIM CLASSES ANCHORS uniform|relu'...

prints a line of JSON for each problem: the median milliseconds of `masked`, which holds for any input, and where the
rows share no dimension with the anchors of `unmasked` too. `milliseconds` is the faster one. scripts/gpu-check runs it
with the problems that `cuda_bench --flip-shapes` prints.
"""

import json
import statistics
import sys

import torch

CHUNK = 65536  # rows at a time: tensors of rows x dim stay small beside the pool


def prediction(z, weight, bias):
    """Logits, pseudo-label and q = r - e_y, r the softmax over the other classes."""
    logits = torch.addmm(bias, z, weight.T)
    label = logits.argmax(1, keepdim=True)
    q = logits.scatter(1, label, -torch.inf).softmax(1)
    q.scatter_(1, label, -1)
    return logits, label, q


def first_crossing(logits, label, u, norm):
    """The smallest step at which a class overtakes the pseudo-label, and the class."""
    rise = u - u.gather(1, label)
    gap = logits.gather(1, label) - logits
    return torch.where(rise > 0, gap * norm / rise, torch.inf).min(1)


def masked(z, weight, bias, anchors):
    """Pseudo-label, flip cap, anchor and class of every row; dimensions that a row shares with the anchor don't move."""
    logits, label, q = prediction(z, weight, bias)
    gradient = q @ weight
    norm = gradient.norm(dim=1, keepdim=True)
    best = torch.full((len(z),), torch.inf, device=z.device)
    best_anchor = torch.full((len(z),), -1, device=z.device)
    best_to = torch.full((len(z),), -1, device=z.device)
    for k, anchor in enumerate(anchors):
        delta = anchor - z
        step, to = first_crossing(logits, label, (gradient * (delta != 0)) @ weight.T, norm)
        cap = z.shape[1] ** 0.5 * step / delta.norm(dim=1)
        better = cap < best
        best = torch.where(better, cap, best)
        best_anchor = torch.where(better, k, best_anchor)
        best_to = torch.where(better, to, best_to)
    return label[:, 0], best, best_anchor, best_to


def unmasked(z, weight, bias, anchors):
    """The same for rows that share no dimension with an anchor: the farthest anchor flips first, and no tensor of
    rows x dim is made."""
    logits, label, q = prediction(z, weight, bias)
    u = q @ (weight @ weight.T)
    norm = (q * u).sum(1, keepdim=True).clamp_min(0).sqrt()
    step, to = first_crossing(logits, label, u, norm)
    distance, anchor = torch.cdist(z, anchors).max(1)
    cap = z.shape[1] ** 0.5 * step / distance
    none = torch.isinf(cap)
    return label[:, 0], cap, anchor.masked_fill(none, -1), to.masked_fill(none, -1)


def whole_pool(expression, z, *rest):
    for chunk in z.split(CHUNK):
        expression(chunk, *rest)


def median_milliseconds(run, seconds=3.0):
    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    times = []
    for attempt in range(52):
        start.record()
        run()
        stop.record()
        stop.synchronize()
        if attempt >= 1:  # the first one warms up
            times.append(start.elapsed_time(stop))
        if len(times) >= 3 and sum(times) > seconds * 1e3:
            break
    return statistics.median(times)


def problem(rows, dim, classes, anchor_count, values):
    generator = torch.Generator("cuda").manual_seed(1)

    def random(*shape):
        return torch.empty(shape, device="cuda").uniform_(-1, 1, generator=generator)

    z, anchors = random(rows, dim), random(anchor_count, dim)
    if values == "relu":
        z.relu_()
        anchors.relu_()
    return z, random(classes, dim) * 9 / dim**0.5, random(classes), anchors


def measure(line):
    name, values = line.split()[0], line.split()[5]
    rows, dim, classes, anchors = map(int, line.split()[1:5])
    result = {"case": name, "rows": rows, "torch": torch.__version__}
    inputs = problem(rows, dim, classes, anchors, values)
    expressions = {"masked": masked} if values == "relu" else {"unmasked": unmasked, "masked": masked}
    for key, expression in expressions.items():
        result[key] = round(median_milliseconds(lambda: whole_pool(expression, *inputs)), 4)
    result["milliseconds"] = min(result[key] for key in expressions)
    return result


if __name__ == "__main__":
    with torch.inference_mode():
        for argument in sys.argv[1:]:
            print(json.dumps(measure(argument)), flush=True)
