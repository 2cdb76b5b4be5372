"""Products with K of a network of two convolutions and two dense layers, by the Jacobian of
its filters, in terms of the arrays of JAX or PyTorch (dual.py).
"""
import math


def pooled(xp, a):
    """Return the largest of each 2 x 2 of relu, and where it comes from."""
    n, h, w, f = a.shape
    squares = a.reshape(n, h // 2, 2, w // 2, 2, f)
    highest = xp.clip(xp.amax(squares, (2, 4)), 0)
    e = highest[:, :, None, :, None, :]
    return highest, ((squares == e) & (e > 0)) * 1.0


def patches(library, x):
    """Return what filters of 3 x 3 see: m x h x w x 9 c."""
    h, w = x.shape[1:3]
    x = library.pad(x)
    return library.xp.concatenate([x[:, i:i + h, j:j + w] for i in range(3) for j in range(3)], 3)


def unpooled(s, mask):
    """Send signals, m x h x w x k x f, back to before pooling and relu."""
    m, h, w, k, f = s.shape
    s = s[:, :, None, :, None] * mask[..., None, :]
    return s.reshape(m, 2 * h, 2 * w, k, f)


def jacobian(library, p, x, k):
    """Return the outputs, and the products with K and J^T.

    The filters have few weights, so that their Jacobian, m k x 4800, is small, and a
    product with it cheap beside a pass through the network. Nearly all the time goes into
    making it. The dense layers are in Gram form.

    Signals are m x h x w x k x f, but where a convolution sends them back: with k before h
    all took 1.3 times as long in JAX. Sending back by patches, by shifted sums or by a
    convolution in three dimensions took 1.8 to 2.1 times as long; K formed of the Jacobian
    1.3 times; its making image by image, by lax.map, 1.1 times.
    """
    xp, m = library.xp, len(x)
    flat_filters = [v.reshape(-1, v.shape[-1]) for v in (p[0], p[2])]
    patches1 = patches(library, x)
    a1, mask1 = pooled(xp, patches1 @ flat_filters[0] + p[1])
    patches2 = patches(library, a1)
    a2, mask2 = pooled(xp, patches2 @ flat_filters[1] + p[3])
    flat = a2.reshape(m, -1)
    h = flat @ p[4] + p[5]
    mask = (h > 0) * 1.0
    h = xp.clip(h, 0)
    z = h @ p[6] + p[7]

    side, f1, f2 = a2.shape[1], p[0].shape[3], p[2].shape[3]
    s2 = (mask[:, None, :] * p[6].T).reshape(m * k, -1) @ p[4].T
    s2 = unpooled(xp.einsum("ickpf->ikpcf", s2.reshape(m, k, side, side, f2)), mask2)
    flipped = xp.einsum("hwcf->hwfc", xp.flip(p[2], (0, 1)))
    s1 = library.convolve(xp.einsum("ikpcf->ickpf", s2).reshape(-1, 2 * side, 2 * side, f2), flipped)
    s1 = unpooled(xp.einsum("ickpf->ikpcf", s1.reshape(m, k, 2 * side, 2 * side, f1)), mask1)
    parts = []
    for q, s in ((patches1, s1), (patches2, s2)):
        q, s = q.reshape(m, -1, q.shape[3]), s.reshape(m, -1, k * s.shape[4])
        for j in (xp.einsum("igq->iqg", xp.einsum("ipg,ipq->igq", s, q)), s.sum(1)):
            parts.append(xp.einsum("incf->icnf", j.reshape(m, -1, k, s.shape[2] // k)).reshape(m * k, -1))
    kept = xp.concatenate(parts, 1)
    grams = flat @ flat.T + 1, h @ h.T + 1
    hidden = lambda a: (a @ p[6].T) * mask

    def product(a):
        return (kept @ (a.reshape(-1) @ kept)).reshape(m, k) + ((grams[0] @ hidden(a)) * mask) @ p[6] + grams[1] @ a

    def vjp(a):
        s = hidden(a)
        rows, filters = a.reshape(-1) @ kept, []
        for w in p[:4]:
            n = math.prod(w.shape)
            filters.append(rows[:n].reshape(w.shape))
            rows = rows[n:]
        return filters + [flat.T @ s, s.sum(0), h.T @ a, a.sum(0)]

    return z, product, vjp
