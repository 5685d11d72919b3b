"""One MuDPT training step (transformer injection, n = 2, L = 9, ViT-B/16 with random weights) in plain PyTorch, f32, on the CPU or a CUDA device:
77 text rows a class, nothing shared, as the published trainers do it. Prints one JSON line per class count: best and median seconds, loss, peak
memory. On CUDA a second line a count with TF32 products allowed, which f32 results do not match.

usage: python3 torch_step.py [--device cpu|cuda] IMAGES STEPS CLASSES...
"""

import json
import math
import os
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), QuickGELU(), nn.Linear(4 * width, width))

    def forward(self, x, mask=None):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class Injection(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.block = Block(width, width // 64)
        self.linear = nn.Linear(width, out)

    def forward(self, prompts):
        return self.linear(self.ln_post(self.block(self.ln_pre(prompts))))


def prompted(x, blocks, deep, at, mask=None):
    """Runs the blocks; before block j <= len(deep) the rows `at` are replaced by deep prompts."""
    n = deep.shape[1]
    for j, block in enumerate(blocks):
        if 0 < j <= len(deep):
            rows = deep[j - 1].expand(x.shape[0], n, -1)
            x = torch.cat([x[:, :at], rows, x[:, at + n :]], 1)
        x = block(x, mask)
    return x


class Model(nn.Module):
    def __init__(self, n=2, depth=9):
        super().__init__()
        dt, dv, e = 512, 768, 512
        self.text = nn.ModuleList(Block(dt, 8) for _ in range(12))
        self.image = nn.ModuleList(Block(dv, 12) for _ in range(12))
        self.conv = nn.Conv2d(3, dv, 16, 16, bias=False)
        self.cls, self.pos_v = nn.Parameter(torch.randn(dv) * 0.02), nn.Parameter(torch.randn(197, dv) * 0.02)
        self.pos_t = nn.Parameter(torch.randn(77, dt) * 0.01)
        self.ln_pre, self.ln_post, self.ln_final = nn.LayerNorm(dv), nn.LayerNorm(dv), nn.LayerNorm(dt)
        self.proj_v, self.proj_t = nn.Parameter(torch.randn(dv, e) * dv**-0.5), nn.Parameter(torch.randn(dt, e) * dt**-0.5)
        self.requires_grad_(False)
        self.T = nn.Parameter(torch.randn(depth, n, dt) * 0.02)
        self.V = nn.Parameter(torch.randn(depth, n, dv) * 0.02)
        self.to_vision, self.to_text = Injection(dt, dv), Injection(dv, dt)
        self.register_buffer("mask", torch.full((77, 77), -math.inf).triu(1))

    def forward(self, images, embeddings, eot):
        n = self.T.shape[1]
        v_hat, t_extra = self.V + self.to_vision(self.T), self.to_text(self.V[1:])
        t = torch.cat([embeddings[:, :1], self.T[0].expand(len(embeddings), n, -1), embeddings[:, 1 + n :]], 1) + self.pos_t
        t = prompted(t, self.text, self.T[1:] + t_extra, 1, self.mask)
        t = self.ln_final(t)[torch.arange(len(t)), eot] @ self.proj_t
        x = self.conv(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), 1, -1), x], 1) + self.pos_v
        x = self.ln_pre(torch.cat([x, v_hat[0].expand(len(x), n, -1)], 1))
        x = self.ln_post(prompted(x, self.image, v_hat[1:], 197)[:, 0]) @ self.proj_v
        return 100 * F.normalize(x, dim=-1) @ F.normalize(t, dim=-1).T


def measure(model, optimizer, device, batch, steps, classes):
    images = torch.randn(batch, 3, 224, 224, device=device)
    embeddings = torch.randn(classes, 77, 512, device=device) * 0.02
    eot, labels = torch.full((classes,), 8, device=device), torch.arange(batch, device=device) % classes
    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    times = []
    begin = time.perf_counter()
    # An idle GPU raises its clocks under work only.
    while len(times) < steps + 1 or (device == "cuda" and time.perf_counter() - begin < 1):
        wait()
        start = time.perf_counter()
        loss = F.cross_entropy(model(images, embeddings, eot), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        wait()
        times.append(time.perf_counter() - start)
    times = sorted(times[1:])
    cuda = torch.cuda.max_memory_allocated() if device == "cuda" else 0
    peak = cuda or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"classes": classes, "best": times[0], "median": times[len(times) // 2], "loss": loss.item(), "peakBytes": peak}


# Below what any optimized BLAS reaches on one core, above what the reference one does.
SLOWEST_BLAS = 12.0


def check_products():
    """Leaves with a message where products run in the reference BLAS (Debian's default): some twenty times slower, so that no comparison is fair."""
    a = torch.randn(768, 768)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    rate = 2 * 768**3 / min(times) / 1e9
    if rate < SLOWEST_BLAS:
        sys.exit(f"PyTorch multiplies at {rate:.1f} GFLOP/s here, as with the reference BLAS: install an optimized one, such as libopenblas0")


def main():
    words = sys.argv[1:]
    device = words[1] if words[0] == "--device" else "cpu"
    batch, steps, *counts = [int(word) for word in (words[2:] if words[0] == "--device" else words)]
    torch.set_num_threads(os.cpu_count())
    if device == "cpu":
        check_products()
    torch.manual_seed(1)
    model = Model().to(device)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.0025, momentum=0.9, weight_decay=5e-4)
    where = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    facts = {"torch": torch.__version__, "threads": torch.get_num_threads(), "device": where}
    for classes in counts:
        for precision in ["highest", "high"] if device == "cuda" else ["highest"]:
            torch.set_float32_matmul_precision(precision)
            result = measure(model, optimizer, device, batch, steps, classes)
            print(json.dumps({**result, **facts, "products": "f32" if precision == "highest" else "tf32"}), flush=True)


main()
