/** One problem of the bench. */
import type { Row } from '../../../../bench/harness.ts';

/** A problem that fails gives a row that says why, and the others go on: an adapter may lack the memory for one. */
export async function attempt(
  row: Pick<Row, 'suite' | 'name' | 'engine'>,
  measure: () => Promise<Row | undefined>,
  onRow: (row: Row) => void,
): Promise<void> {
  try {
    const measured = await measure();
    if (measured) onRow(measured);
  } catch (error) {
    onRow({ ...row, best: Number.NaN, median: Number.NaN, problem: error instanceof Error ? error.message : String(error) });
  }
}
