/** Frames of videos bound as they lie in the decoder's memory (external textures): neither a texture nor a copy is made of them. */
import { pixelsExternalWgsl } from '@mudpt/shaders';
import { type Device, engineOf } from '../device.ts';
import type { Pixels } from './packed.ts';

const OP = 'fromPixels';
const TILE = 8; // of the workgroup, in both directions
const pipelines = new WeakMap<GPUDevice, GPUComputePipeline>();

/** What a page can bind without a copy. */
export type VideoSource = VideoFrame | HTMLVideoElement;

export const isVideo = (source: object): source is VideoSource =>
  (typeof VideoFrame !== 'undefined' && source instanceof VideoFrame) ||
  (typeof HTMLVideoElement !== 'undefined' && source instanceof HTMLVideoElement);

/** Why a frame's colours would be wrong if it were bound; undefined where they are right. */
export function whyNotBound({ gpu }: Device, source: VideoSource): string | undefined {
  if (typeof gpu.importExternalTexture !== 'function') return 'this browser has no importExternalTexture';
  // Chromium multiplies colours by alpha there, which the standard does not ask for.
  const format = 'format' in source ? source.format : null;
  return format?.includes('A') ? `the frame has alpha (${format}), which browsers bind differently` : undefined;
}

/** Copies a frame at once, because it is bound for the present task only. */
function pipelineOf(gpu: GPUDevice): GPUComputePipeline {
  let pipeline = pipelines.get(gpu);
  if (!pipeline) {
    const module = gpu.createShaderModule({ label: 'pixels_external', code: pixelsExternalWgsl.text });
    pipeline = gpu.createComputePipeline({ label: 'pixels_external', layout: 'auto', compute: { module, entryPoint: 'main' } });
    pipelines.set(gpu, pipeline);
  }
  return pipeline;
}

/** A frame bound for the present task. @throws what the browser throws for one that has ended, has no image yet, or is of a format that it does not bind */
export const bound = ({ gpu }: Device, source: VideoSource): GPUExternalTexture =>
  gpu.importExternalTexture({ label: OP, source, colorSpace: 'srgb' });

/** The pixels of a frame in memory of `device`. */
export function externalPixels(device: Device, frame: GPUExternalTexture, width: number, height: number): Pixels {
  const { gpu } = device;
  const pipeline = pipelineOf(gpu);
  const storage = engineOf(device).allocate(4 * width * height, { hostWrite: true });
  const { gpu: buffer } = storage.buffer;
  if (!buffer) throw new Error('memory that the host writes has a buffer');
  const size = gpu.createBuffer({ label: OP, size: 8, usage: 0x48 }); // UNIFORM | COPY_DST
  gpu.queue.writeBuffer(size, 0, Uint32Array.of(width, height));
  const group = gpu.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [
      { binding: 0, resource: frame },
      { binding: 1, resource: { buffer } },
      { binding: 2, resource: { buffer: size } },
    ],
  });
  const encoder = gpu.createCommandEncoder({ label: OP });
  const pass = encoder.beginComputePass({ label: 'pixels_external' });
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(Math.ceil(width / TILE), Math.ceil(height / TILE));
  pass.end();
  gpu.queue.submit([encoder.finish()]);
  size.destroy();
  return { width, height, rowWords: width, storage };
}
