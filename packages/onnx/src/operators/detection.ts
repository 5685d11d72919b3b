/** Operators of object detection, computed on the host: what they choose depends on all numbers. */
import { type HostTensor, hostTensor } from '../host/tensor.ts';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { Value } from '../node/value.ts';

type Box = readonly [top: number, left: number, bottom: number, right: number];

/** Box `index`: two opposite corners in any order, or center and size. */
function boxAt({ data }: HostTensor, index: number, isCentered: boolean): Box {
  const [a = 0, b = 0, c = 0, d = 0] = [0, 1, 2, 3].map((i) => data[4 * index + i] ?? 0);
  if (isCentered) return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}

/** Shared area over joint area. */
function overlap(a: Box, b: Box): number {
  const height = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const width = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (height <= 0 || width <= 0) return 0;
  const area = ([top, left, bottom, right]: Box): number => (bottom - top) * (right - left);
  return (height * width) / (area(a) + area(b) - height * width);
}

/** The best boxes of each class that overlap no better one: [n, 3] of image, class and box. */
function suppressed(call: Call): HostTensor {
  const [boxes, scores] = [call.host(0), call.host(1)];
  const [images = 0, classes = 0, count = 0] = scores.shape;
  const optional = (index: number, otherwise: number): number => (call.has(index) ? (call.list(index)[0] ?? otherwise) : otherwise);
  const [most, limit, least] = [optional(2, 0), optional(3, 0), optional(4, Number.NEGATIVE_INFINITY)];
  const isCentered = call.int('center_point_box', 0) === 1;
  const chosen: number[] = [];
  for (let image = 0; image < images; image += 1)
    for (let label = 0; label < classes; label += 1) {
      const score = (box: number): number => scores.data[(image * classes + label) * count + box] ?? 0;
      const order = Array.from({ length: count }, (_, box) => box)
        .filter((box) => score(box) > least)
        .toSorted((a, b) => score(b) - score(a));
      const kept: Box[] = [];
      for (const index of order) {
        if (kept.length >= most) break;
        const box = boxAt(boxes, image * count + index, isCentered);
        if (kept.some((other) => overlap(box, other) > limit)) continue;
        kept.push(box);
        chosen.push(image, label, index);
      }
    }
  return hostTensor('int64', [chosen.length / 3, 3], chosen);
}

const nonMaxSuppression: Operator = { by: 'composition', reads: 'all', run: (call) => Value.host(suppressed(call)) };

export const detectionOperators: Operators = { NonMaxSuppression: nonMaxSuppression };
