/** Work that a tape cannot record: refused, never a gradient of zero. */
import { expect, it } from 'vitest';
import { addInto, capture, contiguousCopy, copyInto, scope, type Tensor, tensor, zeros } from '@mudpt/tensor';
import { grid1d, kernel, view } from '@mudpt/tensor/kernels';
import { eachDevice } from '@mudpt/testing/support';
import {
  AdamW,
  checkpoint,
  detach,
  EMA,
  Gradients,
  Linear,
  noGrad,
  parameter,
  requiresGrad,
  Tape,
  lossAndGradients,
} from '../index.ts';

const twice = kernel({
  name: 'twice',
  params: { count: 'u32' },
  source: `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < params.count) { y[id.x] = 2 * x[id.x]; }
}`,
});

eachDevice('what a tape does not see', (ctx) => {
  const run = (x: Tensor, y: Tensor): void => {
    twice.dispatch(ctx.device, { buffers: { x, y }, params: { count: x.size }, grid: grid1d(x.size, 64) });
  };
  /** The gradient of sum(y) + sum(x), where `fill` writes 2 x into y. */
  const gradientOf = (x: Tensor, fill: (y: Tensor, doubled: Tensor) => void): Gradients => {
    const { value, gradients } = lossAndGradients(() => {
      const y = zeros([2], { device: ctx.device });
      fill(y, x.mul(2));
      return y.sum().add(x.sum());
    });
    value.dispose();
    return gradients;
  };

  it('refuses kernels, writes in place and hand-made views between a parameter and the loss', async () => {
    using x = parameter(tensor([1, 2], { device: ctx.device }));
    const cases: [RegExp, (y: Tensor, doubled: Tensor) => void][] = [
      [/^kernel twice: no gradient flows/, (y) => run(x, y)],
      [/^kernel twice: it writes into/, (y, doubled) => run(y, doubled)],
      [/^copyInto: no gradient flows/, (y, doubled) => copyInto(y, doubled)],
      [/^copyInto: it writes into/, (y, doubled) => copyInto(doubled, y)],
      [/^addInto: no gradient flows/, (y, doubled) => addInto(y, doubled)],
      [/^addInto: it writes into/, (y, doubled) => addInto(doubled, y)],
      [/^addInto: it writes into a tensor that needs a gradient/, (y) => addInto(x, y)],
      [/^view: no gradient flows/, (_, doubled) => void view(doubled, { shape: [1], strides: [1] })],
    ];
    for (const [error, fill] of cases) expect(() => gradientOf(x, fill)).toThrow(error);
    expect(await x.data()).toEqual(Float32Array.of(1, 2));
  });

  it('takes constants in, and what is asked to be one', async () => {
    using x = parameter(tensor([1, 2], { device: ctx.device }));
    using frozen = tensor([3, 4], { device: ctx.device });
    const fills: ((y: Tensor, doubled: Tensor) => void)[] = [
      (y) => run(frozen, y),
      (y, doubled) => addInto(y, detach(doubled)),
      (y, doubled) => noGrad(() => copyInto(y, doubled)),
    ];
    for (const fill of fills) {
      using gradients = gradientOf(x, fill);
      expect(await gradients.of(x).data()).toEqual(Float32Array.of(1, 1));
    }
  });

  it('follows second handles and contiguous copies', async () => {
    using x = parameter(tensor([1, 2], { device: ctx.device }));
    const { value, gradients } = lossAndGradients(() => contiguousCopy(x).mul(3).sum());
    value.dispose();
    using owned = gradients;
    expect(await owned.of(x).data()).toEqual(Float32Array.of(3, 3));
  });

  it('refuses a captured function that reads a parameter, and takes one that does not', async () => {
    using x = parameter(tensor([1, 2], { device: ctx.device }));
    using frozen = tensor([3, 4], { device: ctx.device });
    for (const weight of [x, frozen]) {
      using captured = capture(({ y }: { y: Tensor }) => y.mul(weight).sum(), { device: ctx.device });
      const loss = (): Tensor => captured({ y: { data: [1, 1], shape: [2] } }).add(x.sum());
      if (weight === x) expect(() => lossAndGradients(loss)).toThrow(/^capture: no gradient flows/);
      else {
        const { value, gradients } = lossAndGradients(loss);
        using owned = gradients;
        expect(await value.item()).toBe(10);
        expect(await owned.of(x).data()).toEqual(Float32Array.of(1, 1));
        value.dispose();
      }
    }
  });

  it('optimizers, averages and loading work under an open tape', async () => {
    using tape = new Tape();
    using layer = new Linear(2, 1, { device: ctx.device });
    using average = new EMA(layer.parameters(), 0.5);
    using optimizer = new AdamW(layer.parameters(), { lr: 0.1 });
    using loss = scope(() => layer.forward(tensor([[1, 2]], { device: ctx.device })).sum());
    using gradients = tape.backward(loss);
    optimizer.step(gradients);
    average.update();
    average.apply();
    using bias = tensor([7], { device: ctx.device });
    layer.loadStateDict({ bias }, { strict: false });
    using out = scope(() => layer.forward(zeros([1, 2], { device: ctx.device })));
    expect(await out.array()).toEqual([[7]]);
  });

  // d(sum (3 x^2)^2 + sum x) = 36 x^3 + 1
  it('refuses a gradient that this tape has not recorded, and never gives a part of the derivative', () => {
    using x = parameter(tensor([1, 2], { device: ctx.device }));
    const cube = (): Tensor => x.mul(x).mul(x).sum();
    const penalty = (gradients: Gradients): Tensor => gradients.of(x).square().sum().add(x.sum());
    const error = /^backward: the loss depends on a gradient whose computation this tape has not recorded/;
    expect(() =>
      scope(() => {
        using tape = new Tape();
        return tape.backward(penalty(tape.backward(cube())));
      }),
    ).toThrow(error);
    expect(() =>
      scope(() => {
        using inner = new Tape({ listen: false });
        const loss = inner.record(cube);
        using outer = new Tape();
        return outer.backward(penalty(inner.backward(loss)));
      }),
    ).toThrow(error);
    expect(() =>
      scope(() => {
        using outer = new Tape();
        using inner = new Tape();
        const loss = cube();
        return inner.backward(penalty(outer.backward(loss)));
      }),
    ).toThrow(error);
  });

  it('refuses a backward of a disposed tape, and a gradient through what an earlier backward used up', async () => {
    using x = parameter(tensor([1, 2], { device: ctx.device }));
    const tape = new Tape();
    using square = x.square();
    using loss = square.sum();
    using early = tape.backward(loss);
    expect(await early.of(x).data()).toEqual(Float32Array.of(2, 4));
    expect(() => tape.backward(loss)).toThrow(/^backward: the gradient of a tensor of shape \[\] would go no further/);
    using other = scope(() => square.mul(x).sum());
    expect(() => tape.backward(other)).toThrow(/^backward: the gradient of a tensor of shape \[2\] would go no further/);
    using anew = scope(() => x.square().sum());
    using again = tape.backward(anew);
    expect(await again.of(x).data()).toEqual(Float32Array.of(2, 4));
    tape.dispose();
    expect(() => tape.backward(loss)).toThrow(/^backward: the tape was disposed/);
  });

  it('takes a gradient as a constant when asked, and lets an optimizer use it inside a tape', async () => {
    using x = parameter(tensor([1, 2], { device: ctx.device }));
    const { value, gradients } = lossAndGradients(() => {
      const inner = lossAndGradients(() => x.square().sum());
      return detach(inner.gradients.of(x)).mul(x).sum();
    });
    value.dispose();
    using owned = gradients;
    expect(await owned.of(x).data()).toEqual(Float32Array.of(2, 4));

    using tape = new Tape();
    using next = scope(() => {
      using loss = x.square().sum();
      using slopes = tape.backward(loss);
      return x.sub(slopes.of(x).mul(0.5));
    });
    using learnt = requiresGrad(detach(next));
    using again = scope(() => learnt.add(1).square().sum());
    using slopes = tape.backward(again);
    expect(await slopes.of(learnt).data()).toEqual(Float32Array.of(2, 2));
  });

  it('refuses a backward that would read what was overwritten since the forward', async () => {
    using x = parameter(tensor([1, 2], { device: ctx.device }));
    using factor = tensor([3, 4], { device: ctx.device });
    using other = tensor([5, 6], { device: ctx.device });
    using replayed = capture(() => addInto(factor, other), { device: ctx.device });
    replayed({});
    const writes = [() => copyInto(factor, other), () => addInto(factor, other), () => replayed({}), () => run(other, factor)];
    for (const write of writes) {
      using tape = new Tape();
      using loss = scope(() => x.mul(factor).sum());
      write();
      expect(() => tape.backward(loss)).toThrow(/^mul: a tensor of shape \[2\] that its gradient reads was written in place/);
    }
    const tape = new Tape();
    using loss = scope(() => x.mul(factor).sum());
    using gradients = tape.backward(loss);
    copyInto(factor, other);
    expect(await gradients.of(x).data()).toEqual(Float32Array.of(10, 12));
    tape.dispose();
    using checked = new Tape();
    using again = scope(() => checkpoint((t: Tensor) => t.mul(x).sum())(factor));
    copyInto(factor, other);
    expect(() => checked.backward(again)).toThrow(/^checkpoint: a tensor of shape/);
  });
});
