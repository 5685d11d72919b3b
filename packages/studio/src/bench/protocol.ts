/** What the bench page and its worker say to each other. */
import type { Row } from '../../../../bench/harness.ts';

export type { Row };

/** As the head of `bench/results`; a page knows neither the commit nor the processor. */
export interface BenchHead {
  readonly adapter: string;
  readonly kind: string;
  readonly processor: string;
  readonly cores: number;
  readonly date: string;
}

export interface BenchCalls {
  run(): Promise<BenchHead>;
}

export interface BenchEvent {
  readonly row: Row;
}
