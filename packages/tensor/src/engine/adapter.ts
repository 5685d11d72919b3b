/** Adapters: a device with all features and limits that the kernels can use, and its traits. */
import { noAdapterFix, otherKindFix } from '#gpu';
import { DeviceError } from '../errors.ts';

/** A real GPU, Mesa's CPU driver, Google's CPU driver, or another CPU driver. */
export type AdapterKind = 'gpu' | 'lavapipe' | 'swiftshader' | 'software';

/** One multiply-accumulate shape of the subgroup matrix units: (M x K) times (K x N), in elements. */
export interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** Traits of an adapter, as far as the *device* may use them: a feature that was not requested counts as absent. */
export interface AdapterInfo {
  readonly kind: AdapterKind;
  /** The driver's name for the device, never empty. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** The driver's name for the hardware, such as `NVIDIA H100 80GB HBM3`; empty in browsers, which hide it. */
  readonly device: string;
  /** The driver's own words, often with its version; may be empty in browsers. */
  readonly description: string;
  readonly isFallback: boolean;
  /** Invocations per subgroup; both 0 without the feature `subgroups`. */
  readonly subgroupMin: number;
  readonly subgroupMax: number;
  /** The size of every subgroup where it is fixed, else 0: kernels that depend on it must use their plain variant. */
  readonly subgroupSize: number;
  readonly f16: boolean;
  readonly timestamps: boolean;
  /** Subgroup sizes that a kernel may request. */
  readonly subgroupSizeControl: boolean;
  /** Empty without subgroup matrices. */
  readonly subgroupMatrix: readonly SubgroupMatrixConfig[];
  /** Safe as a file name; equal on two runs exactly when measured kernel choices carry over. */
  readonly key: string;
}

/** Options of {@link requestAdapterAndDevice}. */
export interface DeviceRequest {
  readonly gpu: GPU;
  /** Refuse an adapter of another kind; `software` takes any CPU adapter. Default: whatever is fastest. */
  readonly adapter?: AdapterKind;
  /** `adapter` (default): everything it has. `default`: WebGPU's default limits and no features at all, as the weakest device. */
  readonly limits?: 'adapter' | 'default';
  /** Features to request beyond the usual; each must exist. */
  readonly features?: readonly string[];
}

const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix';
const USEFUL_FEATURES: readonly string[] = [
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  'timestamp-query',
  MATRIX_FEATURE,
];

const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
] as const;

/**
 * @throws DeviceError when there is no adapter, it is not of the requested kind, lacks a required feature, or gives no device
 */
export async function requestAdapterAndDevice(
  request: DeviceRequest,
): Promise<{ adapter: GPUAdapter; device: GPUDevice; info: AdapterInfo }> {
  const { gpu, adapter: wanted } = request;
  const cpu = wanted !== undefined && wanted !== 'gpu';
  const adapter = await gpu.requestAdapter(cpu ? { forceFallbackAdapter: true } : { powerPreference: 'high-performance' });
  if (!adapter) {
    const what = wanted ? `no adapter of the kind '${wanted}' was found` : 'no WebGPU adapter was found';
    throw new DeviceError('Device.open', what, noAdapterFix(), { code: 'device.noAdapter' });
  }
  const { kind, name } = describeAdapter(adapter.info, adapter.features);
  if (wanted && wanted !== kind && !(wanted === 'software' && kind !== 'gpu')) {
    throw new DeviceError('Device.open', `the adapter found is ${kind} (${name}), not '${wanted}'`, otherKindFix(wanted));
  }
  const device = await requestDevice(adapter, request, name);
  return { adapter, device, info: describeAdapter(adapter.info, device.features) };
}

async function requestDevice(adapter: GPUAdapter, request: DeviceRequest, name: string): Promise<GPUDevice> {
  const required = request.features ?? [];
  const missing = required.filter((feature) => !adapter.features.has(feature));
  if (missing.length > 0) {
    const has = [...adapter.features].join(', ');
    throw new DeviceError(
      'Device.open',
      `${name} lacks the required ${missing.join(', ')}; it has ${has}`,
      'use another adapter or do without',
    );
  }
  const everything = request.limits !== 'default';
  const useful = everything ? USEFUL_FEATURES.filter((feature) => adapter.features.has(feature)) : [];
  const requiredLimits: Record<string, number> = {};
  if (everything) for (const limit of RAISED_LIMITS) requiredLimits[limit] = adapter.limits[limit];
  try {
    return await adapter.requestDevice({
      requiredFeatures: [...new Set([...useful, ...required])] as GPUFeatureName[],
      requiredLimits,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DeviceError(
      'Device.open',
      `${name} gave no device: ${reason}`,
      'close other users of the GPU, or update its driver',
      { cause },
    );
  }
}

/**
 * @param info `adapter.info`, or `device.adapterInfo` of a device that the caller made
 * @param features of the device, so that the description holds only what kernels may use
 */
export function describeAdapter(info: GPUAdapterInfo, features: { has(name: string): boolean }): AdapterInfo {
  const { vendor, architecture, device, description } = info;
  const kind = adapterKind(info);
  const subgroups = features.has('subgroups');
  // Some browsers have reported subgroups with sizes of 0 or none at all: then nothing may be assumed.
  const subgroupMin = subgroups ? (info.subgroupMinSize ?? 0) : 0;
  const subgroupMax = subgroups ? (info.subgroupMaxSize ?? 0) : 0;
  const subgroupSize = subgroupMin === subgroupMax ? subgroupMin : 0;
  const f16 = features.has('shader-f16');
  const matrix = features.has(MATRIX_FEATURE);
  const subgroupMatrix = matrix ? matrixConfigs(info) : [];
  const identity = [
    kind,
    vendor,
    architecture,
    device,
    description,
    subgroupMin,
    subgroupMax,
    f16,
    `[${subgroupMatrix.map(showConfig).join(' ')}]`,
  ].join('|');
  return {
    kind,
    name: description || device || [vendor, architecture].filter(Boolean).join(' ') || kind,
    vendor,
    architecture,
    device,
    description,
    isFallback: info.isFallbackAdapter,
    subgroupMin,
    subgroupMax,
    subgroupSize,
    f16,
    timestamps: features.has('timestamp-query'),
    subgroupSizeControl: features.has('subgroup-size-control'),
    subgroupMatrix,
    key: `${slug(`${kind} ${device || architecture || vendor}`)}-${digest(identity)}`,
  };
}

/** The launcher has the same rule in launcher/probe.mjs; a test keeps the two equal. */
export function adapterKind(
  info: Pick<GPUAdapterInfo, 'architecture' | 'device' | 'description' | 'isFallbackAdapter'>,
): AdapterKind {
  const words = `${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  if (words.includes('swiftshader')) return 'swiftshader';
  if (words.includes('llvmpipe') || words.includes('lavapipe')) return 'lavapipe';
  return info.isFallbackAdapter || info.architecture === 'software' ? 'software' : 'gpu';
}

function matrixConfigs(info: GPUAdapterInfo): SubgroupMatrixConfig[] {
  // Chromium's experiment; not in the types yet.
  const configs = (info as { subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> }).subgroupMatrixConfigs ?? [];
  return [...configs].map(({ componentType, resultComponentType, M, N, K }) => ({ componentType, resultComponentType, M, N, K }));
}

function showConfig({ componentType, resultComponentType, M, N, K }: SubgroupMatrixConfig): string {
  return `${componentType}:${resultComponentType}:${M}x${N}x${K}`;
}

function slug(text: string): string {
  const words = text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return words.slice(0, 60).replace(/^-+|-+$/g, '');
}

/** FNV-1a, 32 bits in hex: distinguishes identities; not a cryptographic hash. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
