"""Products with K of a network of two convolutions and two dense layers, in JAX, by the
Jacobian of its filters.
"""
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jax_nets import patches


def pooled(a):
    """Return the largest of each 2 x 2 of relu, and where it comes from."""
    n, h, w, f = a.shape
    squares = a.reshape(n, h // 2, 2, w // 2, 2, f)
    highest = jax.nn.relu(squares.max((2, 4)))
    e = highest[:, :, None, :, None, :]
    return highest, ((squares == e) & (e > 0)).astype(a.dtype)


def unpooled(s, mask):
    """Send signals, m x h x w x k x f, back to before pooling and relu."""
    m, h, w, k, f = s.shape
    s = s[:, :, None, :, None] * mask[..., None, :]
    return s.reshape(m, 2 * h, 2 * w, k, f)


def jacobian(p, x, k):
    """Return the outputs, and the products with K and J^T.

    The filters have few weights, so that their Jacobian, m k x 4800, is small, and a
    product with it cheap beside a pass through the network. Nearly all the time goes into
    making it. The dense layers are in Gram form.

    Signals are m x h x w x k x f, but where a convolution sends them back: with k before h
    all took 1.3 times as long. Sending back by patches, by shifted sums or by a
    convolution in three dimensions took 1.8 to 2.1 times as long; K formed of the Jacobian
    1.3 times; its making image by image, by lax.map, 1.1 times.
    """
    m = len(x)
    flat_filters = [v.reshape(-1, v.shape[-1]) for v in (p[0], p[2])]
    patches1 = patches(x)
    a1, mask1 = pooled(patches1 @ flat_filters[0] + p[1])
    patches2 = patches(a1)
    a2, mask2 = pooled(patches2 @ flat_filters[1] + p[3])
    flat = a2.reshape(m, -1)
    h = flat @ p[4] + p[5]
    mask = (h > 0).astype(h.dtype)
    h = jnp.maximum(h, 0)
    z = h @ p[6] + p[7]

    side, f1, f2 = a2.shape[1], p[0].shape[3], p[2].shape[3]
    s2 = (mask[:, None, :] * p[6].T).reshape(m * k, -1) @ p[4].T
    s2 = unpooled(s2.reshape(m, k, side, side, f2).transpose(0, 2, 3, 1, 4), mask2)
    flipped = jnp.flip(p[2], (0, 1)).transpose(0, 1, 3, 2)
    s1 = s2.transpose(0, 3, 1, 2, 4).reshape(-1, 2 * side, 2 * side, f2)
    s1 = lax.conv_general_dilated(s1, flipped, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    s1 = unpooled(s1.reshape(m, k, 2 * side, 2 * side, f1).transpose(0, 2, 3, 1, 4), mask1)
    parts = []
    for q, s in ((patches1, s1), (patches2, s2)):
        q, s = q.reshape(m, -1, q.shape[3]), s.reshape(m, -1, k * s.shape[4])
        for j in (jnp.einsum("ipg,ipq->igq", s, q).transpose(0, 2, 1), s.sum(1)):
            parts.append(j.reshape(m, -1, k, s.shape[2] // k).transpose(0, 2, 1, 3).reshape(m * k, -1))
    kept = jnp.concatenate(parts, 1)
    grams = flat @ flat.T + 1, h @ h.T + 1
    hidden = lambda a: (a @ p[6].T) * mask

    def product(a):
        return (kept @ (a.reshape(-1) @ kept)).reshape(m, k) + ((grams[0] @ hidden(a)) * mask) @ p[6] + grams[1] @ a

    def vjp(a):
        s = hidden(a)
        filters = jnp.split(a.reshape(-1) @ kept, np.cumsum([v.size for v in p[:3]]))
        return [v.reshape(w.shape) for v, w in zip(filters, p)] + [flat.T @ s, s.sum(0), h.T @ a, a.sum(0)]

    return z, product, vjp
