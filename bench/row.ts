/** Rows of results. A page reads them too, so nothing here imports the engine. */

/** One line of the results. */
export type Row = {
  readonly suite: string;
  /** What was run, for instance 'matmul NT 512x512x512'. */
  readonly name: string;
  readonly engine: string;
  /** Milliseconds a run. */
  readonly best: number;
  readonly median: number;
  /**
   * Of our engine: on CPU adapters best milliseconds a run of all cores together, from processor time (see `Elapsed` of the stopwatch); on GPUs best milliseconds
   * of the kernels alone, from timestamps where the adapter has them.
   */
  readonly busy?: number;
  /** Work of one run, for GFLOP/s or GB/s; 0 where it has no meaning. */
  readonly flops?: number;
  readonly bytes?: number;
  /** Largest difference to the reference at the sampled places, relative to the largest value there. */
  readonly error?: number;
  /** Instead of figures: why there are none. */
  readonly problem?: string;
  /** Anything else that was measured. */
  readonly extra?: Readonly<Record<string, number | string>>;
};

const NOT_MEASURED = 'not measured: ';

/** A row without figures. @param why what stood in the way */
export function notMeasured(row: Pick<Row, 'suite' | 'name' | 'engine'>, why: string): Row {
  return { ...row, best: Number.NaN, median: Number.NaN, problem: `${NOT_MEASURED}${why}` };
}

/** Whether something went wrong, other than that a row was left out. */
export function hasFailed({ problem }: Row): boolean {
  return problem !== undefined && !problem.startsWith(NOT_MEASURED);
}
