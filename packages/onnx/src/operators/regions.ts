/** Regions of images pooled to one size; the regions are read, because they decide how many points of each are looked at. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';

/** Points of a region along an axis, in cells: undefined outside of the image. */
function pointsAlong(start: number, extent: number, bins: number, perBin: number, cells: number): (number | undefined)[] {
  return Array.from({ length: bins * perBin }, (_, i) => {
    const at = start + (Math.floor(i / perBin) + ((i % perBin) + 0.5) / perBin) * (extent / bins);
    return at < -1 || at > cells ? undefined : Math.min(Math.max(at, 0), cells - 1);
  });
}

type Region = {
  readonly place: number;
  readonly image: number;
  readonly down: readonly (number | undefined)[];
  readonly across: readonly (number | undefined)[];
  /** Points of a bin, [down, across]. */
  readonly perBin: readonly [number, number];
};

/** The four cells around every point of regions, with their weights: grids for {@link engine.gridSample} and factors. */
function corners(call: Call, regions: readonly Region[], height: number, width: number): [grid: Tensor, weights: Tensor][] {
  return [0, 1, 2, 3].map((corner) => {
    const grid: number[] = [];
    const weights: number[] = [];
    const near = (at: number, cells: number, isSecond: boolean): readonly [number, number] => {
      const before = Math.min(Math.floor(at), cells - 1);
      const way = at - before;
      return [isSecond ? Math.min(before + 1, cells - 1) : before, isSecond ? way : 1 - way];
    };
    for (const { down, across } of regions)
      for (const y of down)
        for (const x of across) {
          const [row, left] = near(y ?? 0, height, corner > 1);
          const [column, top] = near(x ?? 0, width, corner % 2 === 1);
          grid.push((2 * column + 1) / width - 1, (2 * row + 1) / height - 1);
          weights.push(y === undefined || x === undefined ? 0 : left * top);
        }
    const shape = [regions.length, regions[0]?.down.length ?? 0, regions[0]?.across.length ?? 0];
    const { device } = call;
    return [
      engine.tensor(grid, { shape: [...shape, 2], device }),
      engine.tensor(weights, { shape: [shape[0] ?? 0, 1, ...shape.slice(1)], device }),
    ];
  });
}

/** Regions with equally many points pooled: [regions, C, rows, columns]. */
function pooled(call: Call, x: Tensor, regions: readonly Region[]): Tensor {
  const [, , height = 1, width = 1] = x.shape;
  const [first] = regions;
  const perBin = first?.perBin ?? [1, 1];
  const index = engine.tensor(
    Int32Array.from(regions, ({ image }) => image),
    { dtype: 'i32', device: call.device },
  );
  const images = engine.indexSelect(x, 0, index);
  // The standard's maximum is that of the weighted corners, its mean that of their sums.
  const parts = corners(call, regions, height, width).map(([grid, weights]) =>
    engine.mul(engine.gridSample(images, grid, { mode: 'nearest', padding: 'border' }), weights),
  );
  const join = call.text('mode', 'avg').toLowerCase() === 'max' ? engine.maximum : engine.add;
  const points = parts.reduce((sum, part) => join(sum, part));
  return join === engine.maximum ? engine.maxPool2d(points, perBin) : engine.avgPool2d(points, perBin);
}

const roiAlign: Operator = {
  by: 'composition',
  reads: [1, 2],
  run: (call) => {
    const x = engine.cast(call.x(0), 'f32');
    const [, channels = 1, height = 1, width = 1] = x.shape;
    const [rows, columns] = [call.int('output_height', 1), call.int('output_width', 1)];
    const [ratio, scale] = [call.int('sampling_ratio', 0), call.float('spatial_scale', 1)];
    const isHalfPixel = call.opset >= 16 && call.text('coordinate_transformation_mode', 'half_pixel') === 'half_pixel';
    const [boxes, images] = [call.list(1), call.list(2)];
    const groups = new Map<string, Region[]>();
    images.forEach((image, place) => {
      const [left = 0, top = 0, right = 0, bottom = 0] = boxes
        .slice(4 * place, 4 * place + 4)
        .map((at) => at * scale - (isHalfPixel ? 0.5 : 0));
      const least = isHalfPixel ? Number.NEGATIVE_INFINITY : 1;
      const [tall, wide] = [Math.max(bottom - top, least), Math.max(right - left, least)];
      const perBin = [tall / rows, wide / columns].map((size) => (ratio > 0 ? ratio : Math.max(0, Math.ceil(size)))) as [
        number,
        number,
      ];
      const region: Region = {
        place,
        image,
        perBin,
        down: pointsAlong(top, tall, rows, perBin[0], height),
        across: pointsAlong(left, wide, columns, perBin[1], width),
      };
      const key = perBin.join();
      groups.set(key, [...(groups.get(key) ?? []), region]);
    });
    const order = [...groups.values()].flat();
    if (order.length === 0) return engine.zeros([0, channels, rows, columns], { device: call.device });
    const parts = [...groups.values()].map((regions) =>
      (regions[0]?.perBin ?? [0]).includes(0)
        ? engine.zeros([regions.length, channels, rows, columns], { device: call.device })
        : pooled(call, x, regions),
    );
    const back = Int32Array.from(order.map((_, place) => order.findIndex((region) => region.place === place)));
    return engine.indexSelect(engine.cat(parts), 0, engine.tensor(back, { dtype: 'i32', device: call.device }));
  },
};

/** The largest values of bins of regions in whole cells; a bin outside of the image gives 0. */
const maxRoiPool: Operator = {
  by: 'composition',
  reads: [1],
  run: (call) => {
    const x = call.x(0);
    const [, channels = 1, height = 1, width = 1] = x.shape;
    const [rows = 1, columns = 1] = call.ints('pooled_shape') ?? [];
    const scale = call.float('spatial_scale', 1);
    const boxes = call.list(1);
    const round = (at: number): number => Math.floor(at * scale + 0.5);
    const regions = Array.from({ length: boxes.length / 5 }, (_, place) => {
      const [image = 0, left = 0, top = 0, right = 0, bottom = 0] = boxes.slice(5 * place, 5 * place + 5);
      const [x0, y0] = [round(left), round(top)];
      const [x1, y1] = [Math.max(round(right), x0) + 1, Math.max(round(bottom), y0) + 1];
      const inside = (at: number, cells: number): number => Math.min(Math.max(at, 0), cells);
      const [a, b, c, d] = [inside(y0, height), inside(y1, height), inside(x0, width), inside(x1, width)];
      if (b <= a || d <= c) return engine.zeros([1, channels, rows, columns], { dtype: x.dtype, device: call.device });
      const cut = engine.narrow(engine.narrow(engine.narrow(x, 0, image, 1), 2, a, b - a), 3, c, d - c);
      const around: engine.Padding[] = [
        [0, 0],
        [0, 0],
        [a - y0, y1 - b],
        [c - x0, x1 - d],
      ];
      const isWhole = around.flat().every((cells) => cells === 0);
      const best = engine.adaptiveMaxPool2d(isWhole ? cut : engine.pad(cut, around, Number.NEGATIVE_INFINITY), [rows, columns]);
      return isWhole ? best : engine.where(engine.eq(best, Number.NEGATIVE_INFINITY), 0, best);
    });
    return regions.length === 0
      ? engine.zeros([0, channels, rows, columns], { dtype: x.dtype, device: call.device })
      : engine.cat(regions);
  },
};

export const regionOperators: Operators = { MaxRoiPool: maxRoiPool, RoiAlign: roiAlign };
