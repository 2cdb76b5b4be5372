"""Write what torch.optim.LBFGS makes of small problems: pkg/train/testdata/lbfgs.

Go makes the same 20 full-batch steps in float64 with the oracle lbfgs (TestOracleReferences).

Run: python3 scripts/oracles/lbfgs.py (needs scripts/optimizers/requirements.txt).
"""
import numpy as np
import torch

import problems

torch.set_default_dtype(torch.float64)


def make(weights, x, y, loss, history=10, rate=1.0, search="strong_wolfe"):
    def run(calls, each):
        """Yield the weights after so many calls of step, with so many iterations each."""
        layers = []
        for i in range(len(problems.SIDES) - 1):
            layers += [torch.nn.Linear(problems.SIDES[i], problems.SIDES[i + 1]), torch.nn.Tanh()]
        net = torch.nn.Sequential(*layers[:-1])
        net.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})
        inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
        optimizer = torch.optim.LBFGS(
            net.parameters(), lr=rate, max_iter=each, max_eval=10**6, history_size=history, tolerance_grad=0, tolerance_change=0, line_search_fn=search)

        def closure():
            optimizer.zero_grad()
            z = net(inputs)
            h = ((z - targets) ** 2 / 2).sum(1).mean() if loss == "squared" else torch.nn.functional.cross_entropy(z, targets)
            h.backward()
            return h

        for _ in range(calls):
            optimizer.step(closure)
            yield np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])

    steps = list(run(problems.STEPS, 1))
    (once,) = run(1, problems.STEPS)
    assert np.abs(once - steps[-1]).max() < 1e-9, np.abs(once - steps[-1]).max()  # one call of step makes the same steps
    return steps


def case(name, loss, config, line="{kind: strong_wolfe}", rate=1, **options):
    return name, loss, f"oracle: {{kind: lbfgs{config}}}, optimizer: {{kind: sgd, learning_rate: {rate}}}, line_search: {line}", dict(options, rate=rate)


problems.write("lbfgs", [
    case("wolfe", "squared", ""),
    case("wolfe_short", "squared", ", history: 3", history=3),
    case("wolfe_long", "squared", ", history: 100", history=100),
    case("wolfe_logistic", "logistic", ""),
    case("fixed", "squared", "", "none", 0.5, search=None),
    case("fixed_logistic", "logistic", ", history: 5", "none", 0.25, history=5, search=None),
], make)
