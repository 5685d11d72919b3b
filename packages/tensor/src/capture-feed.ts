/** How the inputs of a call go into the tensors of a captured function. */
import { type CaptureInput, isTensor } from './capture-inputs.ts';
import { engineOf } from './device.ts';
import { toBytes } from './dtype.ts';
import { withoutOwner } from './engine/ownership.ts';
import type { Storage } from './engine/storage.ts';
import { ShapeError } from './errors.ts';
import { contiguousCopy, copyInto } from './kernels/copy.ts';
import { showShape, sizeOf } from './shape.ts';
import { Tensor } from './tensor.ts';

/** Another handle of what its memory holds now, which no scope owns. */
export function secondHandle({ device, storage, dtype, shape, strides, offset }: Tensor): Tensor {
  return withoutOwner(() => new Tensor(device, storage.retain(), dtype, shape, strides, offset));
}

/** Copies every input into the placeholder of its name. One that lies in a placeholder, which an earlier copy would overwrite, is taken out first. */
export function feedAll(placeholders: Readonly<Record<string, Tensor>>, inputs: Readonly<Record<string, CaptureInput>>): void {
  const copies = new Map<string, Tensor>();
  const overwritten = new Set<Storage>();
  for (const name in inputs) {
    const [placeholder, input] = [placeholders[name], inputs[name]];
    if (!placeholder || input === undefined) continue;
    if (isTensor(input)) {
      if (isInPlace(placeholder, input)) continue;
      if (input.storage === placeholder.storage || overwritten.has(input.storage)) copies.set(name, contiguousCopy(input));
    }
    overwritten.add(placeholder.storage);
  }
  for (const name in inputs) feed(placeholders[name], copies.get(name) ?? inputs[name]);
  for (const copy of copies.values()) copy.dispose();
}

/** Whether the placeholder holds the input already: it was returned, and comes back. */
function isInPlace(placeholder: Tensor, input: Tensor): boolean {
  return input.storage === placeholder.storage && input.isContiguous && input.offset === 0;
}

function feed(placeholder: Tensor | undefined, input: CaptureInput | undefined): void {
  if (!placeholder || input === undefined) return;
  const { device } = placeholder;
  if (isTensor(input)) {
    if (isInPlace(placeholder, input)) {
      input.expectLive('capture');
      return;
    }
    if (!placeholder.isOverwritten) return copyInto(placeholder, input);
    // A call has given its memory out: the handle of what it holds now.
    using current = secondHandle(placeholder);
    return copyInto(current, input);
  }
  const data = typeof input === 'number' ? [input] : input.data;
  if (data.length !== sizeOf(placeholder.shape)) {
    throw new ShapeError(
      'capture',
      `${data.length} values do not fill an input of shape ${showShape(placeholder.shape)}`,
      'give as many values as the shape has',
      { shapes: { input: placeholder.shape } },
    );
  }
  engineOf(device).writeBytes(placeholder.storage.buffer, 0, toBytes(placeholder.dtype, data));
}
