"""Time full-batch steps of dgn's lbfgs beside torch.optim.LBFGS(max_iter=1), in turn, in float32.

The network is the MLP 784-256-256-10 on 128 examples, all of which a step takes. Processes take turns as
in scripts/peers, which this builds on, and training begins again after 100 steps in both, so that they are
at the same stage. Milliseconds are medians of rounds, and "over SGD" is the median of the ratios within a
round. PyTorch's calls of the closure for a step are told on standard error.

Run, after make has built bin/dgn and bin/peers-dgn (make bench-peers does): python3
scripts/oracles/steps_lbfgs.py [ROW]... (needs scripts/optimizers/requirements.txt).
"""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers"))
import beside  # noqa: E402

EXAMPLES, WINDOW = 128, 100

# history, learning rate, line search
ROWS = {
    "wolfe": (10, 1, "strong_wolfe"),
    "wolfe, history 100": (100, 1, "strong_wolfe"),
    "fixed": (10, 0.1, None),
}


def worker(name, threads):
    """Make steps of PyTorch in turns, as drive.Worker asks for them."""
    import torch

    torch.set_num_threads(threads)
    net, x, y = beside.torch_mlp(EXAMPLES)
    params = list(net.parameters())
    start = [p.detach().clone() for p in params]
    calls = 0

    def restart():
        with torch.no_grad():
            for p, s in zip(params, start):
                p.copy_(s)
        if name == "sgd":
            return torch.optim.SGD(params, lr=1e-4, fused=True)
        history, rate, search = ROWS[name]
        return torch.optim.LBFGS(params, lr=rate, max_iter=1, max_eval=1000, history_size=history, tolerance_grad=0, tolerance_change=0, line_search_fn=search)

    def turn(seconds):
        nonlocal calls
        elapsed, steps, calls = 0.0, 0, 0
        while elapsed < seconds:
            optimizer = restart()

            def closure():
                nonlocal calls
                calls += 1
                optimizer.zero_grad(set_to_none=True)
                h = torch.nn.functional.cross_entropy(net(x), y)
                h.backward()
                return h

            optimizer.step(closure)
            began, n = time.perf_counter(), 0
            while n < WINDOW and elapsed + time.perf_counter() - began < seconds:
                optimizer.step(closure)
                n += 1
            elapsed += time.perf_counter() - began
            steps += n
        return 1e3 * elapsed / steps, calls / steps

    turn(0.05)
    print("READY 0", flush=True)
    for line in sys.stdin:
        ms, evaluations = turn(float(line.split()[1]))
        print("MS %.6f" % ms, flush=True)
    print("torch %s: %.2f evaluations a step" % (name, evaluations), file=sys.stderr)


def workers(row, on):
    history, rate, search = ROWS[row]
    method = "oracle: {kind: lbfgs, history: %d}, optimizer: {kind: sgd, learning_rate: %g}, line_search: %s" % (history, rate, search or "none")
    return [on.dgn("dgn", method), on.torch("torch", row)]


if __name__ == "__main__":
    beside.main(os.path.abspath(__file__), __doc__, ROWS, worker, workers, "row", EXAMPLES, EXAMPLES, 0.5)
