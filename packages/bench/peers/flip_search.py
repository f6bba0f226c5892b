"""The pool scan as people write it: ALFA-Mix's closed form in the loops of the paper's code, and vectorised."""

import numpy as np


def torch_loops(args, arrays, threads):
    """As the authors' code does it, at one alpha cap: autograd's gradient, then N x D tensors for every anchor."""
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(threads)
    z, weight, anchors, bias = torch_inputs(args, arrays)
    epsilon = args["alphaCap"] / args["dim"] ** 0.5

    def run():
        embedding = z.clone().requires_grad_(True)
        logits = F.linear(embedding, weight, bias)
        pseudo = logits.argmax(1)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, pseudo, reduction="sum"), embedding)
        candidate = torch.zeros(len(z), dtype=torch.bool)
        for anchor in anchors:
            delta = anchor - z
            length = epsilon * delta.norm(dim=1, keepdim=True) / gradient.norm(dim=1, keepdim=True)
            # The authors add 1e-8 to delta, which is noise where a dimension coincides: see docs/flip-search.md.
            alpha = torch.where(delta == 0, 0, length * gradient / delta)
            mixed = z + alpha * delta
            candidate |= F.linear(mixed, weight, bias).argmax(1) != pseudo
        return {"pseudoLabel": pseudo.numpy(), "candidate": candidate.numpy(), "plain": True}

    return run


def torch_vectorised(args, arrays, threads):
    """The same decision as a number a row, for pools where no dimension coincides: no N x D tensor but the pool."""
    import torch

    torch.set_num_threads(threads)
    z, weight, anchors, bias = torch_inputs(args, arrays)
    gram = weight @ weight.T

    def run():
        logits = torch.addmm(bias, z, weight.T)
        pseudo = logits.argmax(1, keepdim=True)
        q = logits.softmax(1)
        q.scatter_add_(1, pseudo, torch.full_like(pseudo, -1, dtype=q.dtype))
        u = q @ gram
        u /= (q * u).sum(1, keepdim=True).sqrt()
        rise = u - u.gather(1, pseudo)
        gap = logits.gather(1, pseudo) - logits
        step = torch.where(rise > 0, gap / rise, torch.inf).amin(1)
        cap = args["dim"] ** 0.5 * step / torch.cdist(z, anchors).amax(1)
        return {"pseudoLabel": pseudo[:, 0].numpy(), "flipCap": cap.numpy(), "plain": True}

    return run


def torch_scores(args, arrays, threads):
    import torch

    torch.set_num_threads(threads)
    z, weight, _, bias = torch_inputs(args, arrays)

    def run():
        log_p = torch.addmm(bias, z, weight.T).log_softmax(1)
        p = log_p.exp()
        top, labels = p.topk(2, dim=1)
        return {
            "pseudoLabel": labels[:, 0].numpy(),
            "confidence": top[:, 0].numpy(),
            "margin": (top[:, 0] - top[:, 1]).numpy(),
            "entropy": -(p * log_p).sum(1).numpy(),
            "plain": True,
        }

    return run


def numpy_vectorised(args, arrays, threads):
    """torch_vectorised in NumPy."""
    z, weight, anchors, bias = inputs(args, arrays)
    gram = weight @ weight.T
    rows = np.arange(len(z))

    def run():
        logits = z @ weight.T + bias
        pseudo = logits.argmax(1)
        q = np.exp(logits - logits.max(1, keepdims=True))
        q /= q.sum(1, keepdims=True)
        q[rows, pseudo] -= 1
        u = q @ gram
        u /= np.sqrt((q * u).sum(1, keepdims=True))
        rise = u - u[rows, pseudo][:, None]
        gap = logits[rows, pseudo][:, None] - logits
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(rise > 0, gap / rise, np.inf).min(1)
        distance2 = (z**2).sum(1)[:, None] - 2 * (z @ anchors.T) + (anchors**2).sum(1)
        cap = args["dim"] ** 0.5 * step / np.sqrt(distance2.max(1))
        return {"pseudoLabel": pseudo, "flipCap": cap, "plain": True}

    return run


def openblas_product(args, arrays, threads):
    """Nothing but the product of the pool with the head and the anchors: what every flip search has to do at least."""
    z, weight, anchors, _ = inputs(args, arrays)
    columns = np.ascontiguousarray(np.concatenate([weight, anchors]).T)
    out = np.empty((len(z), columns.shape[1]), np.float32)

    def run():
        np.matmul(z, columns, out=out)
        return {}

    return run


def inputs(args, arrays):
    dim = args["dim"]
    matrix = lambda name: arrays[name].astype(np.float32, copy=False).reshape(-1, dim)
    return matrix("data"), matrix("weight"), matrix("anchors"), arrays["bias"]


def torch_inputs(args, arrays):
    import torch

    return [torch.from_numpy(values) for values in inputs(args, arrays)]
