"""Time one SGD step of the MLP 784-256-256-10 at batch 128 in PyTorch.

Compare with: go test ./pkg/experiment -run '^$' -bench 'Step/sgd/threads=2'
Run: python3 scripts/compare_step.py THREADS (needs torch).
"""
import statistics
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))
net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
data, labels = torch.randn(12800, 784), torch.randint(10, (12800,))
loss = torch.nn.CrossEntropyLoss()


def step(index):
    optimizer.zero_grad()
    loss(net(data[index]), labels[index]).backward()
    optimizer.step()


for _ in range(50):
    step(torch.randint(12800, (128,)))
times = []
for _ in range(15):
    indices = [torch.randperm(12800)[:128] for _ in range(50)]
    start = time.perf_counter()
    for i in indices:
        step(i)
    times.append((time.perf_counter() - start) / 50)
print("%.3f ms" % (1e3 * statistics.median(times)))
