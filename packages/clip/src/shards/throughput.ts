/** Images per second and the time to go, over several shards. */

export interface Progress {
  readonly images: number;
  readonly imagesPerSecond: number;
  /** Undefined until it can be estimated. */
  readonly secondsToGo: number | undefined;
}

/** Counts over the shards of one process. Weights are sizes of files: how many images a shard holds is known when it is read. */
export class Throughput {
  private readonly began: number;
  private images = 0;
  private doneWeight = 0;
  /** Weight of shards that were finished before: neither done here nor left to do. */
  private skippedWeight = 0;

  constructor(
    private readonly totalWeight: number,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    this.began = now();
  }

  skip(weight: number): void {
    this.skippedWeight += weight;
  }

  /** A shard is done. */
  finish(images: number, weight: number): void {
    this.images += images;
    this.doneWeight += weight;
  }

  get seconds(): number {
    return this.now() - this.began;
  }

  /** The present state. @param part how much of the current shard, of `weight`, is done, from 0 to 1, and with it `images` images */
  progress({ images = 0, weight = 0, part = 0 } = {}): Progress {
    const { seconds } = this;
    const done = this.doneWeight + weight * part;
    const left = Math.max(0, this.totalWeight - this.skippedWeight - done);
    const all = this.images + images;
    return {
      images: all,
      imagesPerSecond: seconds > 0 ? all / seconds : 0,
      secondsToGo: done > 0 ? (seconds * left) / done : undefined,
    };
  }
}

/** Such as `40 s`, `12 min`, `3.5 h`. */
export function durationText(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
