/** How fast training goes, and whether the device ever waits for the host. */

/** Means since the last report. */
export type Throughput = {
  readonly imagesPerSecond: number;
  /** 1e9 floating-point operations a second, as the step's plan counts them. */
  readonly gflops: number;
  /** Most of the time, as a part, that the device can have had no work: the host submitted a step, or made a batch longer than a step takes. */
  readonly waiting: number;
  /** Part of the time in which the host made batches. */
  readonly host: number;
};

/** Milliseconds within which a result that was there already is read. */
const AT_ONCE = 2;

export class ThroughputMeter {
  private start = 0;
  private steps = 0;
  private idle = 0;
  private making = 0;

  /** @param batch images of a step */
  constructor(private readonly batch: number) {}

  restart(): void {
    this.start = performance.now();
    [this.steps, this.idle, this.making] = [0, 0, 0];
  }

  /**
   * One step: `submit` gives the device work and returns what tells its end, `prepare` makes the next batch meanwhile.
   * @returns what both give
   */
  async step<T, B>(submit: () => Promise<T>, prepare: () => B): Promise<{ readonly result: T; readonly next: B }> {
    const begin = performance.now();
    const work = submit();
    const submitted = performance.now();
    const next = prepare();
    const prepared = performance.now();
    const result = await work;
    const making = prepared - submitted;
    this.idle += submitted - begin + (performance.now() - prepared < AT_ONCE ? making : 0);
    this.making += making;
    this.steps += 1;
    return { result, next };
  }

  /** @param flops of a step */
  mean(flops: number): Throughput & { readonly secondsPerStep: number } {
    const passed = performance.now() - this.start;
    const secondsPerStep = passed / 1000 / this.steps;
    return {
      secondsPerStep,
      imagesPerSecond: this.batch / secondsPerStep,
      gflops: flops / 1e9 / secondsPerStep,
      waiting: this.idle / passed,
      host: this.making / passed,
    };
  }
}
