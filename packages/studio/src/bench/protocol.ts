/** What the bench page and its worker say to each other. */
import type { Peaks } from '@mudpt/testing/measure/peaks';
import type { Row } from '../../../../bench/harness.ts';

export type { Row };

/** As the head of `bench/results`; a page is not told the processor. */
export interface BenchHead {
  readonly adapter: string;
  readonly kind: string;
  readonly processor: string;
  readonly cores: number;
  readonly commit: string;
  readonly date: string;
  readonly peaks: Peaks;
}

export interface PeerFacts {
  readonly name: string;
  readonly isBuiltIn: boolean;
}

/** What a person may choose to measure. */
export const SUITES = ['gemm', 'attention', 'layernorm', 'towers', 'training'] as const;
export type Suite = (typeof SUITES)[number];

export interface BenchCalls {
  /** Engines to compare with. */
  peers(): Promise<readonly PeerFacts[]>;
  /** Our engine. */
  run(suites: readonly Suite[]): Promise<BenchHead>;
  /** Another engine: the problems that it knows. */
  runPeer(name: string, kind: string, suites: readonly Suite[]): Promise<void>;
}

/** What is begun, and what was measured. */
export type BenchEvent = { readonly begins: string } | { readonly row: Row };
