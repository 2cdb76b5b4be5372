"""Networks in JAX, and their weights: images are channels last, dense matrices inputs x
outputs, filters 3 x 3 x channels x filters.
"""
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def turned(net, weights):
    """Return weights as the functions below have them, of those of dgn by name."""
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


def patches(x):
    """Return what filters of 3 x 3 see: m x h x w x 9 c."""
    h, w = x.shape[1:3]
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return jnp.concatenate([x[:, i:i + h, j:j + w] for i in range(3) for j in range(3)], 3)


def convolve(x, w, by_patches):
    if by_patches:
        return patches(x) @ w.reshape(-1, w.shape[3])
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def pool(x):
    """The largest of each 2 x 2. By reduce_window steps took 1.1 times as long."""
    m, h, w, c = x.shape
    return x.reshape(m, h // 2, 2, w // 2, 2, c).max((2, 4))


def group_norm(x, scale, shift, groups):
    m, h, w, c = x.shape
    y = x.reshape(m, h * w, groups, c // groups)
    mean = y.mean((1, 3), keepdims=True)
    variance = (y * y).mean((1, 3), keepdims=True) - mean * mean
    return ((y - mean) * lax.rsqrt(variance + 1e-5)).reshape(x.shape) * scale + shift


def forward(net, p, x, by_patches):
    """Return the outputs, m x k."""
    p = list(p)
    for _ in net.filters:
        x = convolve(x, p.pop(0), by_patches)
        x = group_norm(x, p.pop(0), p.pop(0), net.groups) if net.groups else x + p.pop(0)
        x = pool(jax.nn.relu(x))
    x = x.reshape(len(x), -1)
    activation = {"relu": jax.nn.relu, "tanh": jnp.tanh}[net.activation]
    while len(p) > 2:
        x = activation(x @ p.pop(0) + p.pop(0))
    return x @ p[0] + p[1]


def mean_loss(z, y):
    if z.shape[1] == 1:
        return 0.5 * ((z - y) ** 2).sum(1).mean()
    return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).mean()
