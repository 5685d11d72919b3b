/**
 * Golden pictures: a safetensors file whose metadata string `sizes` maps file names beside it to a size S, with, by file name, the uint8
 * [S, S, 3] that Pillow and torchvision make of the file (RGB, bicubic resize of the short side, centre crop). No byte may differ.
 */
import { dirname, join } from 'node:path';
import { decodeImage, resizeAndCrop } from '@mudpt/clip';
import { openSafetensors } from '@mudpt/tensor';
import { type Comparison, missing } from './compare.ts';
import type { CaseResult, FileResult } from './report.ts';

/** Runs all images; the error is the largest difference of a byte. @throws Error when the file is not of this form */
export async function runPreprocessFile(path: string): Promise<FileResult> {
  await using golden = await openSafetensors(path);
  const sizes: unknown = JSON.parse(golden.metadata['sizes'] ?? 'null');
  if (typeof sizes !== 'object' || sizes === null) throw new Error('the metadata has no "sizes"');
  const names = Object.keys(sizes);
  const unnamed = [...golden.tensors.keys()].filter((name) => !names.includes(name));
  if (unnamed.length > 0 || names.length === 0) throw new Error(`"sizes" does not name ${unnamed.join(', ') || 'any image'}`);
  const cases: CaseResult[] = [];
  for (const [name, size] of Object.entries(sizes)) {
    const expected = await golden.read(name);
    const verdict = await runImage(join(dirname(path), name), Number(size), expected);
    cases.push({ name: `${name} to ${String(size)}`, tensors: [verdict] });
  }
  return { path, cases };
}

async function runImage(
  path: string,
  size: number,
  expected: { shape: readonly number[]; bytes: Uint8Array },
): Promise<Comparison> {
  const tensor = 'pixels';
  if (expected.shape.join() !== [size, size, 3].join())
    return missing(tensor, `[${expected.shape.join(', ')}] is expected for size ${size}`);
  try {
    const { data } = resizeAndCrop(await decodeImage(path), size);
    let largest = 0;
    let differing = 0;
    expected.bytes.forEach((byte, index) => {
      const gap = Math.abs(byte - (data[index] ?? Number.NaN));
      if (gap !== 0) differing++;
      largest = Math.max(largest, gap);
    });
    const note = differing > 0 ? `${differing} of ${data.length} bytes differ, by up to ${largest} of 255` : undefined;
    return { tensor, error: largest, note, passed: differing === 0 };
  } catch (error) {
    return missing(tensor, error instanceof Error ? error.message : String(error));
  }
}
