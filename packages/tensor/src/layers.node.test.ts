/** The layers of this folder, as the README lists them: a file imports from its layer and those below, and there are no import cycles. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('.', import.meta.url));

/** Top down. A name is a file, or a folder and the folders in it that are not named. */
const LAYERS: readonly (readonly string[])[] = [
  ['index.ts', 'functions.ts', 'kernels.ts', 'internal.ts'],
  [
    'methods.ts',
    'chainable.ts',
    'signatures.ts',
    'capture.ts',
    'capture-feed.ts',
    'capture-record.ts',
    'capture-inputs.ts',
    'interop.ts',
    'tuning.ts',
    'first-use.ts',
    'io',
    'pixels',
  ],
  ['ops'],
  ['ops/indexing'],
  ['ops/norms', 'ops/order'],
  ['ops/images'],
  ['ops/products'],
  ['ops/reduce'],
  ['ops/views'],
  ['ops/create'],
  ['pointwise', 'kernels/gemm', 'kernels/attention'],
  ['kernels', 'kernels/conv', 'kernels/einsum'],
  ['definition'],
  ['tensor.ts', 'scope.ts', 'device.ts'],
  ['engine'],
  ['platform', 'context.ts', 'dtype.ts', 'half.ts', 'shape.ts', 'errors.ts', 'copies.ts', 'values.ts', 'canonical.ts'],
];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
);

/** Relative imports and re-exports of a file, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const found = text.matchAll(/\b(?:import|export)\b[^'";]*?from\s+'(\.[^']+)'|\bimport\(?\s*'(\.[^']+)'/g);
  return [...found].map(([, from, bare]) => join(dirname(file), (from ?? bare) as string));
}

/** The folder of a file, or the file itself at the top of src. */
const folderOf = (file: string): string => (dirname(file) === '.' ? file : dirname(file));

/** The layer of `path`, or of the closest folder around it that is listed: 0 is the top. */
function layerOf(path: string): number {
  for (let around = path; around !== '.'; around = dirname(around)) {
    const layer = LAYERS.findIndex((names) => names.includes(around));
    if (layer >= 0) return layer;
  }
  return -1;
}

/** One cycle in a graph, or undefined. */
function cycleIn(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle) return cycle;
  }
  return undefined;
}

function graphOf(nameOf: (file: string) => string): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const file of files) {
    const targets = graph.get(nameOf(file)) ?? new Set();
    for (const target of importsOf(file)) if (nameOf(target) !== nameOf(file)) targets.add(nameOf(target));
    graph.set(nameOf(file), targets);
  }
  return graph;
}

it('gives every file a layer', () => {
  expect(files.filter((file) => layerOf(folderOf(file)) < 0)).toEqual([]);
  expect(files.length).toBeGreaterThan(100);
});

it('imports from the same layer and those below only', () => {
  const upward = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => layerOf(folderOf(target)) < layerOf(folderOf(file)))
      .map((target) => `${file} imports ${target}`),
  );
  expect(upward).toEqual([]);
});

it('has no cycle, neither between files nor between folders', () => {
  expect(cycleIn(graphOf((file) => file))).toBeUndefined();
  expect(cycleIn(graphOf(folderOf))).toBeUndefined();
});

it('finds a cycle where there is one', () => {
  const graph = new Map([
    ['a', new Set(['b'])],
    ['b', new Set(['c'])],
    ['c', new Set(['b'])],
  ]);
  expect(cycleIn(graph)).toEqual(['b', 'c', 'b']);
});
