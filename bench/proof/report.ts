/** report.md: what a proof found, for somebody who was not there. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Outcome } from './run.ts';
import type { TestLine } from './reporter.ts';
import type { Results, StoredRow } from '../results.ts';

/** Writes `folder`/report.md anew. @param isDone whether more steps follow */
export function writeReport(
  folder: string,
  outcomes: readonly Outcome[],
  head: { readonly isDry: boolean; readonly isDone: boolean },
): void {
  const adapter = readJson<AdapterFile>(folder, 'adapter.json');
  const wrong = outcomes.filter(({ status }) => status === 'failed' || status === 'stopped');
  const lines = [
    `# Proof on ${adapter?.name ?? 'an adapter that did not open'}`,
    '',
    head.isDry ? 'A dry run: small shapes, so its times say nothing of the adapter.\n' : '',
    head.isDone ? verdict(outcomes) : `Not finished: ${outcomes.length} steps so far.`,
    '',
    '## Steps',
    '',
    '| step | result | seconds | |',
    '|---|---|---|---|',
    ...outcomes.map(({ title, status, seconds, reason }) => `| ${title} | ${status} | ${seconds.toFixed(0)} | ${cell(reason)} |`),
    ...adapterSection(adapter),
    ...peaksSection(folder),
    ...testsSection(folder, outcomes),
    ...tuningSection(folder),
    ...benchSections(folder),
    ...wrong.flatMap(({ name, title, reason, tail }) => [
      '',
      `## What went wrong: ${title}`,
      '',
      `${reason}. The whole log is ${name}.log; its end:`,
      '',
      ...fenced(tail),
    ]),
    ...['goldens', 'torch', 'train', 'pretrain'].flatMap((name) => tailSection(outcomes, name)),
  ];
  writeFileSync(join(folder, 'report.md'), `${lines.join('\n')}\n`);
}

type AdapterFile = {
  readonly name: string;
  readonly kind: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly subgroupMin: number;
  readonly subgroupMax: number;
  readonly f16: boolean;
  readonly features: readonly string[];
  readonly subgroupMatrix: readonly {
    readonly M: number;
    readonly N: number;
    readonly K: number;
    readonly componentType: string;
    readonly resultComponentType: string;
  }[];
  readonly limits: Readonly<Record<string, number>>;
  readonly host: { readonly processor: string; readonly cores: number; readonly node: string };
};

function verdict(outcomes: readonly Outcome[]): string {
  const count = (status: Outcome['status']): number => outcomes.filter((one) => one.status === status).length;
  return `${count('passed')} steps passed, ${count('failed')} failed, ${count('stopped')} were stopped, ${count('not run')} were not run.`;
}

function adapterSection(adapter: AdapterFile | undefined): string[] {
  if (!adapter) return [];
  const { host, limits } = adapter;
  const matrix = adapter.subgroupMatrix.map(
    (one) => `${one.M}x${one.N}x${one.K} ${one.componentType} to ${one.resultComponentType}`,
  );
  const rows: readonly (readonly [string, string])[] = [
    ['kind', adapter.kind],
    ['vendor, architecture', `${adapter.vendor}, ${adapter.architecture}`],
    ['subgroups', `${adapter.subgroupMin} to ${adapter.subgroupMax}`],
    ['f16', adapter.f16 ? 'yes' : 'no'],
    ['subgroup matrices', matrix.join('; ') || 'none'],
    ['workgroup memory', `${limits['maxComputeWorkgroupStorageSize']} bytes`],
    ['invocations a workgroup', `${limits['maxComputeInvocationsPerWorkgroup']}`],
    ['largest binding', `${limits['maxStorageBufferBindingSize']} bytes`],
    ['host', `${host.processor}, ${host.cores} cores, Node ${host.node}`],
  ];
  return ['', '## Adapter', '', '| | |', '|---|---|', ...rows.map(([name, value]) => `| ${name} | ${cell(value)} |`)];
}

function peaksSection(folder: string): string[] {
  const peaks = readJson<Record<string, number | string>>(folder, 'peaks.json');
  if (!peaks) return [];
  const rows = Object.entries(peaks).map(
    ([name, value]) => `| ${name} | ${cell(typeof value === 'number' ? value.toPrecision(4) : value)} |`,
  );
  return ['', '## Peaks', '', '| | |', '|---|---|', ...rows];
}

function testsSection(folder: string, outcomes: readonly Outcome[]): string[] {
  const names = outcomes.filter(({ name }) => name.startsWith('tests-') || name === 'fault-failing').map(({ name }) => name);
  return names.flatMap((name) => {
    const tests = readLines<TestLine>(folder, `${name}.jsonl`);
    const failed = tests.filter(({ state }) => state === 'failed');
    const passed = tests.filter(({ state }) => state === 'passed').length;
    const line = `${passed} passed, ${failed.length} failed, ${tests.length - passed - failed.length} skipped.`;
    return [
      '',
      `## Tests: ${name}`,
      '',
      line,
      ...failed.flatMap((one) => [
        '',
        `**${one.file}: ${one.name}**`,
        '',
        ...fenced((one.message ?? '').split('\n').slice(0, 20)),
      ]),
    ];
  });
}

type TuningFile = {
  readonly measured: readonly {
    readonly family: string;
    readonly key: string;
    readonly chosen: string;
    readonly ms: Readonly<Record<string, number | undefined>>;
  }[];
};

function tuningSection(folder: string): string[] {
  const tuning = readJson<TuningFile>(folder, 'tuning.json');
  if (!tuning) return [];
  const rows = tuning.measured.map(({ family, key, chosen, ms }) => {
    const times = Object.entries(ms).map(([variant, time]) => `${variant} ${time === undefined ? 'wrong' : time.toFixed(3)}`);
    return `| ${family} ${key} | ${chosen} | ${cell(times.join(', '))} |`;
  });
  return ['', '## Fastest variants', '', '| class | chosen | ms |', '|---|---|---|', ...rows];
}

function benchSections(folder: string): string[] {
  const files = readdirSync(folder)
    .filter((file) => /^(gpu|lavapipe|swiftshader|software)-.*\.json$/.test(file))
    .sort();
  return files.flatMap((file) => {
    const { rows, peaks } = readJson<Results>(folder, file) ?? { rows: [], peaks: undefined };
    const of = (row: StoredRow): string => {
      const rate = row.flops && row.best ? row.flops / row.best / 1e6 : 0;
      const share = rate && peaks ? ` (${((100 * rate) / peaks.gflops).toFixed(0)} % of the f32 peak)` : '';
      const extra = Object.entries(row.extra ?? {}).map(([key, value]) => `${key} ${value}`);
      const notes = [row.problem, rate ? `${rate.toFixed(0)} GFLOP/s${share}` : '', ...extra].filter(Boolean);
      return `| ${cell(row.name)} | ${cell(row.engine)} | ${ms(row.best)} | ${ms(row.median)} | ${cell(notes.join(', '))} |`;
    };
    return ['', `## ${file}`, '', '| problem | engine | best ms | median ms | |', '|---|---|---|---|---|', ...rows.map(of)];
  });
}

function tailSection(outcomes: readonly Outcome[], name: string): string[] {
  const outcome = outcomes.find((one) => one.name === name && one.status === 'passed');
  return outcome ? ['', `## ${outcome.title}`, '', ...fenced(outcome.tail)] : [];
}

const ms = (value: number | null): string => (value === null ? '' : value.toPrecision(4));
/** Text that stays inside one cell of a table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
/** Lines of a log, whatever they hold. */
const fenced = (lines: readonly string[]): string[] => ['````text', ...lines.map(stripVTControlCharacters), '````'];

function readJson<T>(folder: string, file: string): T | undefined {
  const path = join(folder, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}

/** A file that grows line by line may end in half of one. */
function readLines<T>(folder: string, file: string): T[] {
  const path = join(folder, file);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as T);
}
