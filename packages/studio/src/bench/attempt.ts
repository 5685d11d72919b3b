/** One problem of the bench. */
import type { Row } from '../../../../bench/row.ts';
import type { ShownRow } from './protocol.ts';

/** A problem that fails gives a row that says why, and the others go on: an adapter may lack the memory for one. */
export async function attempt(
  row: Pick<Row, 'suite' | 'name' | 'engine'>,
  measure: () => Promise<ShownRow>,
  onRow: (row: ShownRow) => void,
): Promise<void> {
  try {
    onRow(await measure());
  } catch (error) {
    onRow({ ...row, best: Number.NaN, median: Number.NaN, problem: error instanceof Error ? error.message : String(error) });
  }
}
