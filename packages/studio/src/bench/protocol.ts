/** What the bench page and its worker say to each other. */
import type { Head as BenchHead } from '../../../../bench/results-form.ts';
import type { Row } from '../../../../bench/row.ts';
import type { Told } from '../worker/rpc.ts';

export type { Row };

/** A row as the page shows it. @property told why there are no figures, where the page has words for it */
export type ShownRow = Row & { readonly told?: Told };

/** As in the files of `bench/results`; a page is not told the processor. */
export type { BenchHead };

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
export type BenchEvent = { readonly begins: string } | { readonly row: ShownRow };
