/** Throughput of training. */

/** Images per second, smoothed. The first interval, in which kernels are compiled, is ignored. */
export class Throughput {
  private last = performance.now();
  private rate: number | undefined;
  private intervals = 0;

  /** Starts a new interval, so that the time between two epochs does not count. */
  restart(): void {
    this.last = performance.now();
  }

  get isKnown(): boolean {
    return this.intervals > 1;
  }

  measure(images: number): number {
    const now = performance.now();
    const present = (1000 * images) / Math.max(now - this.last, 1e-3);
    this.last = now;
    this.intervals += 1;
    this.rate = this.rate === undefined || this.intervals === 2 ? present : 0.7 * this.rate + 0.3 * present;
    return this.rate;
  }
}
