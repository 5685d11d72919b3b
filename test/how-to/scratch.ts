/** A scratch copy of the repository, in which how-to pages are followed. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Edit } from './marks.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What a command of a page stands for where pnpm is not installed: the script of the manifest. */
const PNPM = `#!/usr/bin/env node
const { spawnSync } = require('node:child_process');
const { scripts } = JSON.parse(require('node:fs').readFileSync('package.json', 'utf8'));
const [name, ...rest] = process.argv.slice(2);
if (!scripts[name]) throw new Error('package.json has no script ' + name);
const words = rest.map((word) => "'" + word.replaceAll("'", "'\\\\''") + "'").join(' ');
process.exitCode = spawnSync(scripts[name] + ' ' + words, { shell: true, stdio: 'inherit' }).status ?? 1;
`;

export class Scratch implements Disposable {
  readonly path: string;

  /** Copies what git knows or would add, and links what is installed. */
  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'mudpt-how-to-'));
    const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    for (const file of files.split('\0').filter((one) => one !== '' && existsSync(join(ROOT, one)))) {
      mkdirSync(dirname(join(this.path, file)), { recursive: true });
      cpSync(join(ROOT, file), join(this.path, file));
    }
    // Links to the packages of the workspace are relative, so that they lead to the copies.
    const members = ['shaders', 'test/readme', ...readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}`)];
    for (const member of ['', ...members]) this.linkModules(member);
    const bin = join(this.path, '.bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'pnpm'), PNPM, { mode: 0o755 });
    writeFileSync(join(bin, 'package.json'), '{ "type": "commonjs" }');
  }

  private linkModules(member: string): void {
    const from = join(ROOT, member, 'node_modules');
    if (!existsSync(from)) return;
    const to = join(this.path, member, 'node_modules');
    mkdirSync(to, { recursive: true });
    for (const name of readdirSync(from)) {
      if (name === '.pnpm') symlinkSync(join(from, name), join(to, name));
      else if (!/^\.(?:cache|vite)/.test(name))
        cpSync(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true });
    }
  }

  /** Does what a step says. @throws Error when the file is there already, or is not, or has no single line with the text */
  apply({ path, how, anchor, text, line }: Edit): void {
    const file = join(this.path, path);
    const fail = (problem: string): Error => new Error(`line ${line} of the page: ${path} ${problem}`);
    if (how === 'create') {
      if (existsSync(file)) throw fail('is there already');
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return;
    }
    if (!existsSync(file)) throw fail('is not there');
    const before = readFileSync(file, 'utf8');
    if (how === 'end') {
      writeFileSync(file, `${before}${text}`);
      return;
    }
    const lines = before.split('\n');
    const found = lines.flatMap((one, at) => (one.includes(anchor) ? [at] : []));
    const [at] = found;
    if (at === undefined || found.length > 1) throw fail(`has ${found.length} lines with ${JSON.stringify(anchor)}, not one`);
    lines.splice(how === 'after' ? at + 1 : at, how === 'replace' ? 1 : 0, ...text.replace(/\n$/, '').split('\n'));
    writeFileSync(file, lines.join('\n'));
  }

  /** Types a command into a shell. @returns the exit code and what it printed */
  run(command: string): { readonly code: number; readonly output: string } {
    // This process's own adapter and limits must not decide for a run that names its adapter.
    const { MUDPT_ADAPTER: _adapter, TENSOR_LIMITS: _limits, VITEST: _vitest, NODE_ENV: _environment, ...rest } = process.env;
    const env = {
      ...rest,
      PATH: [join(this.path, '.bin'), join(this.path, 'node_modules', '.bin'), rest['PATH']].join(delimiter),
    };
    const { status, stdout, stderr } = spawnSync(command, {
      cwd: this.path,
      env,
      shell: true,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    return { code: status ?? 1, output: `${stdout}${stderr}` };
  }

  /** What the last run of tests on an adapter reported: how many tests of each file passed, and how many did not. */
  report(adapter: string): Map<string, { readonly passed: number; readonly failed: number }> {
    const file = join(this.path, '.cache', 'test', `${adapter}.json`);
    const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly testResults: readonly {
        readonly name: string;
        readonly status: string;
        readonly assertionResults: readonly { readonly status: string }[];
      }[];
    };
    return new Map(
      testResults.map(({ name, status, assertionResults }) => {
        const count = (what: string): number => assertionResults.filter((one) => one.status === what).length;
        const failed = count('failed') + (status === 'failed' && count('failed') === 0 ? 1 : 0);
        return [name.slice(name.indexOf(this.path) + this.path.length + 1), { passed: count('passed'), failed }];
      }),
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
