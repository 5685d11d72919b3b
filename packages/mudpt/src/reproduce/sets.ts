/** The papers' data sets that are present, and the protocols that can be run with them. */
import { TensorError } from '@mudpt/tensor';
import { openDataset } from '../datasets/index.ts';
import { type Protocol, tasksOf, titleOf } from '../sweep/protocols.ts';

/** Names of the data sets that can be opened, and why the others cannot. */
export interface SetsHere {
  readonly found: readonly string[];
  readonly missing: ReadonlyMap<string, string>;
}

/** Opens every data set of these protocols once. */
export async function setsHere(protocols: readonly Protocol[], root: string): Promise<SetsHere> {
  const wanted = protocols.map((protocol) => tasksOf(protocol, ['paper11']));
  const names = [...new Set(wanted.flatMap(({ train, targets }) => [...train, ...targets]))];
  const found: string[] = [];
  const missing = new Map<string, string>();
  for (const name of names) {
    try {
      const { splits } = await openDataset(name, { root });
      if (splits.test.length > 0) found.push(name);
      else missing.set(name, 'it has no test image');
    } catch (error) {
      if (!(error instanceof TensorError)) throw error;
      missing.set(name, error.problem);
    }
  }
  return { found, missing };
}

/** What `--data` and `--source` of a plan are, or why there is nothing to plan. */
export type PlannedData = { readonly data: readonly string[]; readonly source?: string } | { readonly why: string };

/** The part of a protocol that the data sets which are here allow. */
export function plannedData(protocol: Protocol, { found }: SetsHere): PlannedData {
  const { train, targets } = tasksOf(protocol, ['paper11']);
  const [source = ''] = train;
  if (targets.length === 0) {
    const data = train.filter((name) => found.includes(name));
    return data.length > 0 ? { data } : { why: 'none of its data sets is here' };
  }
  const data = targets.filter((name) => found.includes(name));
  if (!found.includes(source)) return { why: `${titleOf(source)}, which it trains on, is not here` };
  return data.length > 0 ? { data, source } : { why: 'none of the data sets it evaluates on is here' };
}
