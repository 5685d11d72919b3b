/** Adapters whose kernels were measured: the package's choices for them, by kind, vendor and architecture. */
import type { AdapterInfo, AdapterKind } from './adapter.ts';
import { TUNED_ADAPTERS } from './tuned-adapters.data.ts';
import type { TuningTable } from './tuner.ts';

/** Adapters of one kind with the variants that were fastest on them; families not listed follow the rules. */
export type TunedAdapters = {
  readonly kind: AdapterKind;
  /** As the adapter reports it; left out: any. */
  readonly vendor?: string;
  readonly architecture?: string;
  /** Parts of hardware names, any of which matches in upper or lower case, for adapters that do not report an architecture. */
  readonly devices?: readonly string[];
  readonly table: TuningTable;
};

type Told = Pick<AdapterInfo, 'kind' | 'vendor' | 'architecture' | 'device'>;

function isOf(row: TunedAdapters, { kind, vendor, architecture, device }: Told): boolean {
  if (row.kind !== kind || (row.vendor !== undefined && row.vendor !== vendor)) return false;
  const isArchitecture = row.architecture !== undefined && row.architecture === architecture;
  const isDevice = row.devices?.some((part) => device.toLowerCase().includes(part.toLowerCase())) ?? false;
  return isArchitecture || isDevice || (row.architecture === undefined && row.devices === undefined);
}

/** The choices for an adapter of this description; undefined where none of its kind was measured. */
export function tunedTableOf(told: Told, rows: readonly TunedAdapters[] = TUNED_ADAPTERS): TuningTable | undefined {
  return rows.find((row) => isOf(row, told))?.table;
}
