/**
 * The how-to pages, followed: in a scratch copy of the repository their blocks are put where the pages say, and the tests they name are run.
 * On lavapipe alone: what is tested here is the pages, and they name it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Edit, type Step, stepsOf } from './marks.ts';
import { Scratch } from './scratch.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = [
  'how-to-add-a-method.md',
  'how-to-add-a-dataset.md',
  'how-to-add-a-setting.md',
  'how-to-add-an-op.md',
  'how-to-write-a-kernel.md',
];

/** Tests on an adapter: their files, and the names that they are narrowed to. */
type Tests = { readonly files: readonly string[]; readonly names: string | undefined };

/** What a command tests, where it does nothing else. Such are run together, which saves starting them one by one. */
function testsOf(command: string): Tests | undefined {
  const [, words, , quoted, bare] = /^pnpm test --only lavapipe ([^'"]+?)( -t (?:'([^']+)'|(\S+)))?$/.exec(command) ?? [];
  const files = words?.split(' ');
  return files?.every((file) => file.startsWith('packages/')) ? { files, names: quoted ?? bare } : undefined;
}

const stepsOfPage = (page: string): Step[] => stepsOf(readFileSync(join(ROOT, 'docs', page), 'utf8'));
const edits = (steps: readonly Step[]): Edit[] => steps.filter((step) => step.kind === 'edit');
const commands = (steps: readonly Step[]): string[] => steps.flatMap((step) => (step.kind === 'run' ? step.commands : []));

/** Files and lines that each change touches. */
function costs(steps: readonly Step[]): string[] {
  const changes = [...new Set(steps.map(({ change }) => change))];
  return changes.map((change) => {
    const made = edits(steps).filter((step) => step.change === change);
    const files = new Set(made.map(({ path }) => path));
    const created = new Set(made.filter(({ how }) => how === 'create').map(({ path }) => path));
    const lines = (some: readonly Edit[]): number => some.reduce((sum, { text }) => sum + text.split('\n').length - 1, 0);
    const inTests = lines(made.filter(({ path }) => /\btest\b|\/testing\/|conformance\//.test(path)));
    return `${change}: ${files.size} files (${created.size} new), ${lines(made)} lines, ${inTests} of them for tests`;
  });
}

describe.runIf(process.env['MUDPT_ADAPTER'] === 'lavapipe')('how-to pages', () => {
  const pages = new Map(PAGES.map((page) => [page, stepsOfPage(page)]));
  let scratch: Scratch;
  beforeAll(() => {
    scratch = new Scratch();
  });
  afterAll(() => scratch[Symbol.dispose]());

  /** The step that is left out at first. */
  const isLayout = ({ path }: Edit): boolean => path.includes('conformance/datasets');

  it.each(PAGES)('every block of %s has its place', (page) => {
    for (const edit of edits(pages.get(page) ?? []).filter((one) => !isLayout(one))) scratch.apply(edit);
  });

  it('a page of which a step was left out does not pass, and then it is made up for', () => {
    const steps = pages.get('how-to-add-a-dataset.md') ?? [];
    // The other pages' kernels, without which nothing loads.
    const { code, output } = scratch.run(['pnpm shaders', ...commands(steps)].join(' && '));
    expect(code, output).toBe(1);
    expect(output).toContain('sketchy');
    for (const edit of edits(steps).filter(isLayout)) scratch.apply(edit);
  });

  it('a path that has moved is told', () => {
    const [definition] = edits(pages.get('how-to-add-a-dataset.md') ?? []) as [Edit, ...Edit[]];
    const after = { ...definition, how: 'after', anchor: 'no such line' } as const;
    expect(() => scratch.apply(definition)).toThrow(/sketchy\.ts is there already/);
    expect(() => scratch.apply({ ...after, path: 'moved.ts' })).toThrow(/moved\.ts is not there/);
    expect(() => scratch.apply({ ...after, path: 'README.md' })).toThrow(/README\.md has 0 lines with "no such line", not one/);
  });

  it('the tests that the pages name pass', { timeout: 600_000 }, () => {
    const all = [...new Set([...pages.values()].flatMap(commands))];
    for (const command of all.filter((one) => !testsOf(one))) {
      const { code, output } = scratch.run(command);
      expect(code, `${command}\n${output}`).toBe(0);
    }
    const tests = all.flatMap((command) => testsOf(command) ?? []);
    for (const some of [tests.filter(({ names }) => !names), tests.filter(({ names }) => names)]) {
      const names = some.flatMap((one) => one.names ?? []).join('|');
      const files = new Set(some.flatMap((one) => one.files));
      const { code, output } = scratch.run(`pnpm test --only lavapipe ${[...files].join(' ')} ${names && `-t '${names}'`}`);
      expect(code, output).toBe(0);
      const report = [...scratch.report('lavapipe')];
      for (const file of files) {
        const passed = report.filter(([name, ran]) => name.startsWith(file) && ran.passed > 0);
        expect(passed.length, `no test ran of ${file}\n${output}`).toBeGreaterThan(0);
      }
    }
    console.log(costs([...pages.values()].flat()).join('\n'));
  });
});

it('a mark that cannot be followed is told by its line', () => {
  expect(() => stepsOf('<!-- file: a.ts -->\n```ts\n```\n')).toThrow(/line 1 is a step of no change/);
  expect(() => stepsOf('<!-- change: x -->\n<!-- file: a.ts -->\ntext\n')).toThrow(/line 2 has no block of code/);
  expect(() => stepsOf('<!-- change: x -->\n<!-- file: a.ts, beside: "b" -->\n```ts\n```\n')).toThrow(/line 2 says no place/);
  expect(() => stepsOf('<!-- file a.ts -->\n')).toThrow(/line 1 has a mark that is none/);
});
