/** The kernel ladder: how each generation of a kernel does, and why the next is faster. Each rung is checked like everything else. */
import { attention, attentionUnfused, type Device, empty, type Tensor, tensor } from '@mudpt/tensor';
import { type GemmVariant, gemmVariantsFor } from '@mudpt/tensor/internal';
import { kernel } from '@mudpt/tensor/kernels';
import { type Effort, measure, type Row } from '../harness.ts';
import { values } from '../inputs.ts';
import { type AttentionJob, checkOf, flopsOf, type MatmulJob, nameOf } from '../jobs.ts';
import { runOurs } from './ours.ts';

const naive = kernel({
  name: 'ladder.naive',
  params: { n: 'u32', k: 'u32', m: 'u32' },
  source: `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= params.n || id.y >= params.m) {
    return;
  }
  var sum = 0.0;
  for (var i = 0u; i < params.k; i++) {
    sum += a[id.y * params.k + i] * b[id.x * params.k + i];
  }
  c[id.y * params.n + id.x] = sum;
}
`,
});

const shared = kernel({
  name: 'ladder.shared',
  params: { n: 'u32', k: 'u32', m: 'u32' },
  source: `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

var<workgroup> left: array<array<f32, 16>, 16>;
var<workgroup> right: array<array<f32, 17>, 16>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
  let row = wid.y * 16u + local.y;
  let column = wid.x * 16u + local.x;
  let lines = wid.x * 16u + local.y;
  var sum = 0.0;
  for (var start = 0u; start < params.k; start += 16u) {
    let i = start + local.x;
    left[local.y][local.x] = select(0.0, a[min(row, params.m - 1u) * params.k + min(i, params.k - 1u)], row < params.m && i < params.k);
    right[local.y][local.x] = select(0.0, b[min(lines, params.n - 1u) * params.k + min(i, params.k - 1u)], lines < params.n && i < params.k);
    workgroupBarrier();
    for (var j = 0u; j < 16u; j++) {
      sum += left[local.y][j] * right[local.x][j];
    }
    workgroupBarrier();
  }
  if (row < params.m && column < params.n) {
    c[row * params.n + column] = sum;
  }
}
`,
});

const MATMUL: MatmulJob = { kind: 'matmul', layout: 'NT', m: 512, n: 512, k: 512 };
const ATTENTION: AttentionJob = {
  kind: 'attention',
  batch: 1,
  heads: 12,
  tokens: 197,
  depth: 64,
  causal: false,
  gradient: false,
};

export async function ladder(device: Device, effort: Effort): Promise<Row[]> {
  const rows: Row[] = [];
  rows.push(await handwritten(device, 'naive', naive, 8, 'one thread an element: two loads for every multiply-add', effort));
  rows.push(
    await handwritten(
      device,
      'shared tile',
      shared,
      16,
      '16x16 in workgroup memory: 16 times fewer loads, two barriers a step',
      effort,
    ),
  );
  for (const { name, idea } of engineRungs(device)) {
    using _ = device.tuner.force('gemm', name);
    rows.push(withWhy(await runOurs(device, 'ladder', MATMUL, effort, name), idea));
  }
  rows.push(...(await attentionRungs(device, effort)));
  return rows;
}

/** Variants of the engine that run here and are made for such a device, the presumably best last. */
function engineRungs(device: Device): GemmVariant[] {
  const isGpu = device.adapter.kind === 'gpu';
  const able = gemmVariantsFor(device, [MATMUL.m, MATMUL.n, MATMUL.k]);
  return able.filter(({ madeFor }) => isGpu || madeFor !== 'gpu').reverse();
}

async function handwritten(
  device: Device,
  engine: string,
  program: typeof naive,
  tile: number,
  why: string,
  effort: Effort,
): Promise<Row> {
  const { m, n, k } = MATMUL;
  using a = tensor(values(m * k, 1), { shape: [m, k], device });
  using b = tensor(values(n * k, 2), { shape: [n, k], device });
  const run = (): Tensor => {
    const c = empty(device, [m, n], 'f32');
    program.dispatch(device, { buffers: { a, b, c }, params: { m, n, k }, grid: [Math.ceil(n / tile), Math.ceil(m / tile)] });
    return c;
  };
  const row = { suite: 'ladder', name: nameOf(MATMUL), engine, flops: flopsOf(MATMUL) };
  return withWhy(await measure(device, row, run, checkOf(MATMUL), effort), why);
}

async function attentionRungs(device: Device, effort: Effort): Promise<Row[]> {
  const { tokens, heads, depth } = ATTENTION;
  const shape = [1, tokens, heads, depth];
  const [q, k, v] = [1, 2, 3].map((seed) => tensor(values(tokens * heads * depth, seed), { shape, device })) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const rung = async (engine: string, why: string, run: () => Tensor): Promise<Row> => {
    const row = { suite: 'ladder', name: nameOf(ATTENTION), engine, flops: flopsOf(ATTENTION) };
    return withWhy(await measure(device, row, run, checkOf(ATTENTION), effort), why);
  };
  const rows = [
    await rung('unfused', 'two products and a softmax: the T x T scores go to memory and back', () => attentionUnfused(q, k, v)),
  ];
  {
    using _ = device.tuner.force('attention', 'tile');
    rows.push(
      await rung('tile', 'online softmax over tiles of keys in workgroup memory: no T x T buffer', () => attention(q, k, v)),
    );
  }
  if (device.subgroupSize > 0) {
    using _ = device.tuner.force('attention', 'subgroup');
    rows.push(
      await rung('subgroup', 'queries in registers, keys and values passed round the subgroup: no barrier', () =>
        attention(q, k, v),
      ),
    );
  }
  for (const one of [q, k, v]) one.dispose();
  return rows;
}

function withWhy(row: Row, why: string): Row {
  return { ...row, extra: { ...row.extra, why } };
}
