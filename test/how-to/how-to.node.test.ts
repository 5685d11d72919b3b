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
const PAGES = ['how-to-add-a-dataset.md'];

/** Tests of an adapter that a page can name: they are run together, which saves starting them one by one. */
const TESTS = /^pnpm test --only lavapipe ((?:[^-\s]\S* ?)+)$/;

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

  it.each(PAGES)('every block of %s has its place', (page) => {
    for (const edit of edits(pages.get(page) ?? [])) scratch.apply(edit);
  });

  it('the tests that the pages name pass', () => {
    const all = [...pages.values()].flatMap(commands);
    const [together, apart] = [all.filter((command) => TESTS.test(command)), all.filter((command) => !TESTS.test(command))];
    for (const command of apart) {
      const { code, output } = scratch.run(command);
      expect(code, `${command}\n${output}`).toBe(0);
    }
    const files = [...new Set(together.flatMap((command) => (TESTS.exec(command)?.[1] ?? '').split(' ')))];
    const { code, output } = scratch.run(`pnpm test --only lavapipe ${files.join(' ')}`);
    expect(code, output).toBe(0);
    const report = scratch.report('lavapipe');
    for (const file of files) {
      const ran = [...report].filter(([name]) => name.startsWith(file));
      expect(ran.length, `no test ran of ${file}`).toBeGreaterThan(0);
      for (const [name, { passed, failed }] of ran) expect([name, passed > 0, failed]).toEqual([name, true, 0]);
    }
    console.log(costs([...pages.values()].flat()).join('\n'));
  });
});

describe('pages fail', () => {
  it('where a mark cannot be followed', () => {
    expect(() => stepsOf('<!-- file: a.ts -->\n```ts\n```\n')).toThrow(/line 1 is a step of no change/);
    expect(() => stepsOf('<!-- change: x -->\n<!-- file: a.ts -->\ntext\n')).toThrow(/line 2 has no block of code/);
    expect(() => stepsOf('<!-- change: x -->\n<!-- file: a.ts, behind: "b" -->\n```ts\n```\n')).toThrow(/line 2 says no place/);
    expect(() => stepsOf('<!-- file a.ts -->\n')).toThrow(/line 1 has a mark that is none/);
  });

  it.runIf(process.env['MUDPT_ADAPTER'] === 'lavapipe')('where a path has moved, or a step is missing', () => {
    using scratch = new Scratch();
    const steps = stepsOfPage('how-to-add-a-dataset.md');
    const [definition, ...others] = edits(steps) as [Edit, ...Edit[]];
    expect(() => scratch.apply({ ...definition, path: 'README.md' })).toThrow(/README\.md is there already/);
    expect(() => scratch.apply({ ...definition, how: 'after', path: 'moved.ts', anchor: 'x' })).toThrow(/moved\.ts is not there/);
    expect(() => scratch.apply({ ...definition, how: 'after', path: 'README.md', anchor: 'no such line' })).toThrow(
      /has 0 lines with/,
    );
    scratch.apply(definition);
    const layout = others.find(({ path }) => path.includes('conformance'));
    for (const edit of others) if (edit !== layout) scratch.apply(edit);
    const { code, output } = scratch.run(`${commands(steps)[0]} -t 'every data set of the table is here'`);
    expect(code, output).toBe(1);
    expect(output).toContain('sketchy');
  });
});
