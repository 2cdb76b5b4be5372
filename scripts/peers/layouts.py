"""Weights for images with channels last: filters 3 x 3 x channels x filters, dense matrices
inputs x outputs.
"""
import numpy as np


def turned(net, weights):
    """Return weights in order, of those of dgn by name."""
    out, first = [], bool(net.filters)
    for w in weights.values():
        if w.ndim == 4:
            w = w.transpose(2, 3, 1, 0)
        elif w.ndim == 2:
            if first:  # its inputs are flattened channels last
                c, side = net.filters[-1], net.shape[1] >> len(net.filters)
                w = w.reshape(-1, c, side, side).transpose(0, 2, 3, 1).reshape(len(w), -1)
                first = False
            w = w.T
        out.append(w)
    return [np.ascontiguousarray(w) for w in out]


def back(net, like, weights):
    """Undo turned: return weights by name, in dgn's layouts."""
    out, first = {}, bool(net.filters)
    for (name, old), w in zip(like.items(), weights):
        w = np.asarray(w)
        if w.ndim == 4:
            w = w.transpose(3, 2, 0, 1)
        elif w.ndim == 2:
            w = w.T
            if first:
                c, side = net.filters[-1], net.shape[1] >> len(net.filters)
                w = w.reshape(-1, side, side, c).transpose(0, 3, 1, 2)
                first = False
        out[name] = w.reshape(old.shape)
    return out
