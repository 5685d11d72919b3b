/** Sample variants that a shader names in its header: `// Compile: T=f32 P=f32 | T=f16 P=f32 SG=on`, or `// Include only.` */
import type { Defines } from './preprocess.ts';

/**
 * @param subgroupSize value of `SG=on`; 0 drops such variants
 * @param f16 false drops variants that name f16
 * @param limits the device's workgroup memory and storage buffers of a stage; variants that name more as `BYTES=28672` or `BUFFERS=9` are dropped
 * Variants with `MATRIX=on` (subgroup matrices) are left out: they have a test of their own, on Dawn's null adapter. So are those with `EXTERNAL=on`
 * (external textures), tested in a page.
 * @returns undefined for a file that is only included by others
 * @throws Error when the header says neither
 */
export function sampleVariants(
  file: string,
  text: string,
  subgroupSize: number,
  f16: boolean,
  limits: { readonly maxComputeWorkgroupStorageSize: number; readonly maxStorageBuffersPerShaderStage: number },
): Defines[] | undefined {
  const line = /^\/\/ Compile:(.*)$/m.exec(text)?.[1];
  if (line === undefined) {
    if (/^\/\/ Include only\.$/m.test(text)) return undefined;
    throw new Error(`${file}: its header names no variants; add "// Compile: NAME=value ..." or "// Include only."`);
  }
  return line
    .split('|')
    .map((set) => set.trim().split(/\s+/).filter(Boolean))
    .filter((set) => subgroupSize > 0 || !set.includes('SG=on'))
    .filter((set) => f16 || !set.some((define) => define.endsWith('=f16')))
    .filter((set) => !set.includes('MATRIX=on') && !set.includes('EXTERNAL=on'))
    .map((set) => Object.fromEntries(set.map((define) => parse(file, define, subgroupSize))))
    .filter(
      ({ BYTES = 0, BUFFERS = 0 }) =>
        Number(BYTES) <= limits.maxComputeWorkgroupStorageSize && Number(BUFFERS) <= limits.maxStorageBuffersPerShaderStage,
    );
}

function parse(file: string, define: string, subgroupSize: number): [string, string | number] {
  const [, name = '', value = ''] = /^(\w+)=(-?\w+)$/.exec(define) ?? [];
  if (name === '') throw new Error(`${file}: "${define}" in its Compile line is not NAME=value`);
  if (name === 'SG' && value === 'on') return [name, subgroupSize];
  return [name, /^-?\d+$/.test(value) ? Number(value) : value];
}
