// What an open device offers, as the lines that the doctor prints.

const MIB = 2 ** 20;
/** @param {number} bytes */
const mebibytes = (bytes) => `${Math.round(bytes / MIB)} MiB`;

/** One line of a report. @param {string} name @param {string} value */
export const row = (name, value) => `  ${name.padEnd(24)} ${value}`;

/**
 * Features and limits of a device.
 *
 * @param {import('@mudpt/tensor').Device} device
 * @returns {string} lines
 */
export function describeDevice({ adapter, limits }) {
  return [
    '\nFeatures',
    row('f16 (shader-f16)', adapter.f16 ? 'yes' : 'no: f16 tensors are refused, weights load as f32'),
    row('subgroups', subgroups(adapter)),
    row('subgroup matrix', adapter.subgroupMatrix.map(matrix).join(', ') || 'no'),
    row('timestamps', adapter.timestamps ? 'yes: device.profile() works' : 'no: device.profile() is refused'),
    '\nLimits',
    row('largest tensor', mebibytes(Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize))),
    row('workgroup memory', `${limits.maxComputeWorkgroupStorageSize / 1024} KiB`),
    row('workgroup size', `${limits.maxComputeInvocationsPerWorkgroup}`),
    row('buffers per kernel', `${limits.maxStorageBuffersPerShaderStage}`),
  ].join('\n');
}

/** @param {import('@mudpt/tensor').Device['adapter']} adapter */
function subgroups(adapter) {
  if (adapter.subgroupMax === 0) return 'no: plain kernels are used';
  if (adapter.subgroupSize > 0) return `of ${adapter.subgroupSize}`;
  return `of ${adapter.subgroupMin} to ${adapter.subgroupMax}, not fixed: plain kernels are used`;
}

/** @param {import('@mudpt/tensor').Device['adapter']['subgroupMatrix'][number]} kind */
function matrix({ componentType, resultComponentType, M, N, K }) {
  return `${M}x${N}x${K} ${componentType} to ${resultComponentType}`;
}
