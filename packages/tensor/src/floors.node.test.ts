/** The floors of this folder, as the README shows them: a file imports from its own floor and those below, and nothing goes in a circle. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('.', import.meta.url));

/** Top down. A name is a file, or a folder and the folders in it that are not named. */
const FLOORS: readonly (readonly string[])[] = [
  ['index.ts', 'kernels.ts', 'internal.ts'],
  ['methods.ts', 'chainable.ts', 'signatures.ts', 'capture.ts', 'interop.ts', 'tuning.ts', 'io'],
  ['ops'],
  ['pointwise', 'kernels/gemm', 'kernels/attention'],
  ['kernels', 'kernels/conv', 'kernels/einsum'],
  ['definition'],
  ['tensor.ts', 'scope.ts', 'device.ts'],
  ['engine'],
  ['platform', 'context.ts', 'dtype.ts', 'half.ts', 'shape.ts', 'errors.ts', 'values.ts'],
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

/** The folder of a file, or itself where it stands in src. */
const placeOf = (file: string): string => (dirname(file) === '.' ? file : dirname(file));

/** Where `place`, or the closest folder around it that is named, stands: 0 is the top. */
function floorOf(place: string): number {
  for (let around = place; around !== '.'; around = dirname(around)) {
    const floor = FLOORS.findIndex((names) => names.includes(around));
    if (floor >= 0) return floor;
  }
  return -1;
}

/** One circle in a graph, or undefined. */
function circleIn(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next, [...path, node]);
      if (circle) return circle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const circle = visit(node, []);
    if (circle) return circle;
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

it('gives every file a floor', () => {
  expect(files.filter((file) => floorOf(placeOf(file)) < 0)).toEqual([]);
  expect(files.length).toBeGreaterThan(100);
});

it('imports from the same floor and those below only', () => {
  const upward = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => floorOf(placeOf(target)) < floorOf(placeOf(file)))
      .map((target) => `${file} imports ${target}`),
  );
  expect(upward).toEqual([]);
});

it('has no circle, neither between files nor between folders', () => {
  expect(circleIn(graphOf((file) => file))).toBeUndefined();
  expect(circleIn(graphOf(placeOf))).toBeUndefined();
});

it('finds a circle where there is one', () => {
  const graph = new Map([
    ['a', new Set(['b'])],
    ['b', new Set(['c'])],
    ['c', new Set(['b'])],
  ]);
  expect(circleIn(graph)).toEqual(['b', 'c', 'b']);
});
