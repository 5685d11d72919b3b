/** The files of a plan: `plan.json` says what the sweep is, `plan.jsonl` holds one cell a line. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, InputError, writeFileAtomic } from '@mudpt/tensor';
import { canonicalText } from '@mudpt/tensor/internal';
import { command, pathFromHere } from '../command.ts';
import { someOf } from '../data/dataset.ts';
import { exists } from '../data/files.ts';
import { type Cell, cellSchema, headSchema, type Plan, type PlanHead } from './cell.ts';
import { loadPlannedPlugins } from './configurations.ts';
import { planDifferences } from './plan-differences.ts';
import { writeListing } from './planned-data.ts';

/** A plan with what its data sets are now, by their names: see planned-data.ts. */
export interface MadePlan extends Plan {
  readonly listings: ReadonlyMap<string, string>;
}

/**
 * Writes a plan into the folder of the sweep. The same plan is left as it is.
 * @throws InputError saying in what a plan that is there differs
 */
export async function writePlan(sweep: string, plan: MadePlan): Promise<'written' | 'unchanged'> {
  const { head, cells, listings } = plan;
  if (await exists(join(sweep, 'plan.json'))) {
    const before = await readPlan(sweep);
    const differences = planDifferences(before, plan);
    if (differences.length === 0) return 'unchanged';
    throw new InputError(
      'plan',
      `${pathFromHere(sweep)} holds another plan: ${someOf(differences, 6)}`,
      'give another folder with --out, or the words the plan was made with',
    );
  }
  await mkdir(sweep, { recursive: true });
  for (const [name, listing] of listings) await writeListing(sweep, name, listing);
  await writeFileAtomic('plan', join(sweep, 'plan.jsonl'), cells.map((cell) => `${JSON.stringify(cell)}\n`).join(''));
  await writeFileAtomic('plan', join(sweep, 'plan.json'), `${JSON.stringify(head, undefined, 2)}\n`);
  return 'written';
}

/** @throws FormatError when the folder holds no plan, or it was changed after it was made */
export async function readPlan(sweep: string): Promise<Plan> {
  const fix = `make one with \`${command('sweep plan')}\`, or put its files back`;
  const read = async (file: string): Promise<string> => {
    const path = join(sweep, file);
    return readFile(path, 'utf8').catch((cause: unknown) => {
      throw new FormatError('sweep', `${path} cannot be read (${(cause as Error).message})`, fix, { cause });
    });
  };
  const damaged = (file: string, why: string): FormatError => new FormatError('sweep', `${join(sweep, file)}: ${why}`, fix);
  const [headText, cellText] = [await read('plan.json'), await read('plan.jsonl')];
  const head = headSchema.safeParse(parsed(headText));
  if (!head.success) throw damaged('plan.json', head.error.issues[0]?.message ?? 'is no plan');
  const cells = cellText
    .split('\n')
    .filter(Boolean)
    .map((line, index) => {
      const cell = cellSchema.safeParse(parsed(line));
      if (!cell.success) throw damaged('plan.jsonl', `line ${index + 1}: ${cell.error.issues[0]?.message}`);
      return cell.data;
    });
  const { digest, ...rest } = head.data;
  if (digest !== digestOf(rest, cells)) throw damaged('plan.jsonl', 'was changed after the plan was made');
  await loadPlannedPlugins(sweep, cells);
  return { head: head.data, cells };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** SHA-256 of everything in a plan. */
export function digestOf(head: Omit<PlanHead, 'digest'>, cells: readonly Cell[]): string {
  return createHash('sha256')
    .update(canonicalText([head, cells]))
    .digest('hex');
}
