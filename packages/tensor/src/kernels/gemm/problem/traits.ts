/** Device traits that gemm plans depend on: kind, limits, subgroups, and which experimental kernels passed their check. */
import type { Device } from '../../../device.ts';
import type { SubgroupMatrixConfig } from '../../../engine/adapter.ts';

/** Device traits that variants and plans depend on; plain data, so that a test can describe any device. */
export type DeviceTraits = {
  /** Whether it is a CPU adapter, where compiling is the main cost, so that pipelines are kept few. */
  readonly cpu: boolean;
  /** Invocations of every subgroup; 0 without subgroups or where their size varies. */
  readonly subgroupSize: number;
  /** Limits of a workgroup: bytes of its memory, and invocations. */
  readonly workgroupBytes: number;
  readonly invocations: number;
  /** Shapes of the subgroup matrix units; empty without them. */
  readonly subgroupMatrix: readonly SubgroupMatrixConfig[];
  /** Variants with a numeric gate that the device has passed (check.ts). */
  readonly proven: ReadonlySet<string>;
};

const provenOn = new WeakMap<Device, ReadonlySet<string>>();
const NONE: ReadonlySet<string> = new Set();

/** The traits of `device` as of now. */
export function traitsOf(device: Device): DeviceTraits {
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = device.limits;
  return {
    cpu: device.adapter.kind !== 'gpu',
    subgroupSize: device.subgroupSize,
    workgroupBytes: maxComputeWorkgroupStorageSize,
    invocations: maxComputeInvocationsPerWorkgroup,
    subgroupMatrix: device.adapter.subgroupMatrix,
    proven: provenOn.get(device) ?? NONE,
  };
}

/** Records whether `device` passed the numeric gate of a variant; until then the variant is never a candidate there. */
export function setProven(device: Device, variant: string, passed: boolean): void {
  const names = new Set(provenOn.get(device));
  if (passed) names.add(variant);
  else names.delete(variant);
  provenOn.set(device, names);
}
