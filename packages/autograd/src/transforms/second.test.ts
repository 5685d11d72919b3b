/** Second derivatives by nested tapes and transforms: against PyTorch's float64 numbers, closed forms, and for what must be refused. */
import { describe, expect, it } from 'vitest';
import {
  capture,
  crossEntropy,
  digamma,
  gelu,
  layerNorm,
  linear,
  mean,
  mul,
  narrow,
  norm,
  pow,
  scope,
  sin,
  square,
  sub,
  sum,
  tensor,
  type Tensor,
} from '@mudpt/tensor';
import { grid1d, kernel, defineOp } from '@mudpt/tensor/kernels';
import { ref } from '@mudpt/testing/reference/array';
import { expectClose, tolerances } from '@mudpt/testing/reference/compare';
import { eachDevice } from '@mudpt/testing/support';
import fixture from '../../test/fixtures/second.json' with { type: 'json' };
import {
  checkpoint,
  customOp,
  defineRule,
  detach,
  grad,
  gradcheck,
  hessian,
  hessianVector,
  jacobian,
  jvp,
  lossAndGradients,
  noGrad,
  parameter,
  Tape,
  valueAndGrad,
  vjp,
} from '../index.ts';

type Name = keyof typeof fixture.shapes;
type Weights = Readonly<Record<Name, Tensor>>;
const NAMES = Object.keys(fixture.shapes) as Name[];
const close = { rel: 2e-5, abs: 2e-6 };

const forward = (p: Weights, x: Tensor): Tensor =>
  linear(layerNorm(linear(x, p.w1, p.b1, { activation: 'gelu' }), p.scale, p.shift), p.w2, p.b2);
const loss = (p: Weights, x: Tensor, labels: Tensor): Tensor => crossEntropy(forward(p, x), labels, { labelSmoothing: 0.1 });

eachDevice('second derivatives', (ctx) => {
  it('digamma three times: polygamma functions, on both sides of 0', async () => {
    const first = grad((x: Tensor) => sum(digamma(x)));
    const second = grad((x: Tensor) => sum(first(x)));
    const third = grad((x: Tensor) => sum(second(x)));
    using x = tensor([0.5, 1, 2.5, 10, -0.5, -1.3], { device: ctx.device });
    const expected = [97.409091034, 6.4939394023, 0.22390584882, 0.0023199013043, 193.409091034, 768.7206572];
    using found = third(x);
    expectClose(await found.data(), ref([6], expected), tolerances.f32);
  });

  const make = (data: number[], shape: readonly number[] = [data.length], dtype: 'f32' | 'i32' = 'f32'): Tensor =>
    tensor(data, { shape, dtype, device: ctx.device });
  const weights = (values: Readonly<Record<Name, number[]>>): Weights =>
    Object.fromEntries(NAMES.map((name) => [name, make(values[name], fixture.shapes[name])])) as Weights;
  const expectWeights = async (found: Weights, wanted: Readonly<Record<Name, number[]>>, what: string): Promise<void> => {
    for (const name of NAMES)
      expectClose(await found[name].data(), ref([wanted[name].length], wanted[name]), close, `${what} of ${name}`);
  };
  const data = () => ({
    x: make(fixture.x, [5, 4]),
    x2: make(fixture.x2, [5, 4]),
    labels: make(fixture.labels, [5], 'i32'),
    labels2: make(fixture.labels2, [5], 'i32'),
  });

  describe("PyTorch's numbers", () => {
    it('Hessian-vector product of a network', () =>
      scope(async () => {
        const { x, labels } = data();
        const { value, gradients, products } = hessianVector(
          (p: Weights) => loss(p, x, labels),
          [weights(fixture.parameters)],
          [weights(fixture.vectors)],
        );
        expect(value.size).toBe(1);
        await expectWeights(gradients[0] as Weights, fixture.gradients, 'gradient');
        await expectWeights(products[0] as Weights, fixture.products, 'product');
      }));

    it('Jacobian-vector product of its logits', () =>
      scope(async () => {
        const { x } = data();
        const p = weights(fixture.parameters);
        const { value, tangent } = jvp((w: Weights) => forward(w, x), [p], [weights(fixture.vectors)]);
        const plain = Array.from(await forward(p, x).data());
        expectClose(await value.data(), ref([15], plain), close);
        expectClose(await tangent.data(), ref([15], fixture.tangent), close);
      }));

    /** The penalty of a critic whose slope by its input is not of length 1 (WGAN-GP). */
    const penalty = (p: Weights, x: Tensor): Tensor => {
      const slope = grad((inputs: Tensor) => sum(narrow(forward(p, inputs), 1, 0, 1)))(x);
      return mean(square(sub(norm(slope, 1), 1)));
    };

    it('gradient penalty', () =>
      scope(async () => {
        const { value, gradients } = valueAndGrad(penalty)(weights(fixture.parameters), data().x);
        expect(await value.item()).toBeCloseTo(fixture.penalty, 5);
        await expectWeights(gradients, fixture.penalised, 'gradient');
      }));

    const maml = (p: Weights, { x, x2, labels, labels2 }: ReturnType<typeof data>): Tensor => {
      const slopes = grad((w: Weights) => loss(w, x, labels))(p);
      const learnt = Object.fromEntries(NAMES.map((name) => [name, sub(p[name], mul(slopes[name], 0.4))])) as Weights;
      return loss(learnt, x2, labels2);
    };

    it('a step of MAML, plain and captured', () =>
      scope(async () => {
        const [p, given] = [weights(fixture.parameters), data()];
        const plain = valueAndGrad(maml)(p, given);
        expect(await plain.value.item()).toBeCloseTo(fixture.meta_loss, 5);
        await expectWeights(plain.gradients, fixture.meta, 'gradient');
        using step = capture(() => valueAndGrad(maml)(p, given), { device: ctx.device });
        step({});
        const again = step({});
        for (const name of NAMES) expect(await again.gradients[name].data()).toEqual(await plain.gradients[name].data());
      }));

    it('gradient penalty of modules: tapes within a tape', () =>
      scope(async () => {
        const { x } = data();
        const p = weights(fixture.parameters);
        for (const name of NAMES) parameter(p[name]);
        const { gradients } = lossAndGradients(() => {
          const inner = lossAndGradients(() => sum(narrow(forward(p, x), 1, 0, 1)), [x]);
          return mean(square(sub(norm(inner.gradients.of(x), 1), 1)));
        });
        // The last shifts move the critic, not its slope.
        const moving: readonly Name[] = ['shift', 'b2'];
        for (const name of moving) expect(gradients.has(p[name])).toBe(false);
        for (const name of NAMES.filter((one) => !moving.includes(one)))
          expectClose(
            await gradients.of(p[name]).data(),
            ref([fixture.penalised[name].length], fixture.penalised[name]),
            close,
            name,
          );
        for (const name of NAMES) p[name].dispose();
      }));
  });

  it('third and fourth derivatives', () =>
    scope(async () => {
      const total =
        (f: (x: Tensor) => Tensor) =>
        (x: Tensor): Tensor =>
          sum(f(x));
      let f: (x: Tensor) => Tensor = (x) => mul(pow(x, 3), sin(x));
      const x = make([0.7, -1.3]);
      const s = Math.sin;
      const c = Math.cos;
      const wanted = [
        (t: number) => 3 * t * t * s(t) + t ** 3 * c(t),
        (t: number) => 6 * t * s(t) + 6 * t * t * c(t) - t ** 3 * s(t),
        (t: number) => 6 * s(t) + 18 * t * c(t) - 9 * t * t * s(t) - t ** 3 * c(t),
      ];
      for (const derivative of wanted) {
        f = grad(total(f)) as (x: Tensor) => Tensor;
        expectClose(await f(x).data(), ref([2], [0.7, -1.3].map(derivative)), { rel: 1e-5, abs: 1e-5 });
      }
    }));

  it('vjp takes several cotangents, and gives their gradients as often as asked', () =>
    scope(async () => {
      const [x, y] = [make([1, 2]), make([3, 5])];
      using at = vjp((a: Tensor, b: { b: Tensor }) => mul(square(a), b.b), { argnums: [0, 1] })(x, { b: y });
      expect(await at.value.data()).toEqual(Float32Array.of(3, 20));
      for (const [cotangent, dx, dy] of [
        [
          [1, 0],
          [6, 0],
          [1, 0],
        ],
        [
          [0, 1],
          [0, 20],
          [0, 4],
        ],
        [
          [1, 10],
          [6, 200],
          [1, 40],
        ],
      ] as const) {
        const [byX, byY] = at.pullback(make([...cotangent]));
        expect([...(await byX.data()), ...(await byY.b.data())]).toEqual([...dx, ...dy]);
      }
      expect(() => at.pullback(make([1, 2, 3]))).toThrow(/cotangent \[3\]/);
      at.dispose();
      expect(() => at.pullback(make([1, 1]))).toThrow();
      expect(() => vjp((() => 3) as unknown as (a: Tensor) => Tensor)(x)).toThrow(/^vjp: the function returned no tensor/);
    }));

  it('jacobian and hessian: shapes, values, an argument that does not take part, symmetry', () =>
    scope(async () => {
      const x = make([0.5, -1, 2, 0.3, 1.5, -0.7], [2, 3]);
      const f = (a: Tensor, b: { b: Tensor }): Tensor => sum(mul(square(a), b.b), 1);
      const b = make([1, 2, 3]);
      const rows = jacobian(f)(x, { b });
      expect(rows.shape).toEqual([2, 2, 3]);
      expectClose(await rows.data(), ref([12], [1, -4, 12, 0, 0, 0, 0, 0, 0, 0.6, 6, -4.2]), close);
      expect(await jacobian((a: Tensor) => detach(a).mul(2))(x).data()).toEqual(new Float32Array(36));
      const second = hessian((a: Tensor) => sum(pow(a, 3)))(x);
      expect(second.shape).toEqual([2, 3, 2, 3]);
      const values = Array.from(x.size === 6 ? await x.data() : []);
      expectClose(
        await second.data(),
        ref(
          [36],
          values.flatMap((v, i) => values.map((_, j) => (i === j ? 6 * v : 0))),
        ),
        close,
      );
      const product = (a: Tensor): Tensor => mul(sum(sin(a)), sum(square(a)));
      const full = Array.from(await hessian(product)(x).data());
      for (let i = 0; i < 6; i += 1)
        for (let j = 0; j < i; j += 1) expect(full[6 * i + j]).toBeCloseTo(full[6 * j + i] as number, 5);
      const direction = make([1, -2, 0.5, 3, 0.1, -1], [2, 3]);
      const v = Array.from(await direction.data());
      const wanted = Array.from({ length: 6 }, (_, i) => v.reduce((total, vj, j) => total + (full[6 * i + j] ?? 0) * vj, 0));
      const { products } = hessianVector(product, [x], [direction]);
      expectClose(await (products[0] as Tensor).data(), ref([6], wanted), { rel: 1e-4, abs: 1e-4 });
    }));

  it('jvp and hessianVector refuse vectors that do not fit, and give zeros where nothing depends', () =>
    scope(async () => {
      const x = make([1, 2]);
      expect(() => jvp((a: Tensor) => square(a), [x], [make([1, 2, 3])])).toThrow(/^jvp: vector 0 does not have the structure/);
      expect(() => jvp((a: Tensor) => square(a), [x], [undefined])).toThrow(/^jvp: no vector is given/);
      expect(() => hessianVector((a: Tensor) => square(a), [x], [x])).toThrow(
        /^hessianVector: the function returned a loss of shape \[2\]/,
      );
      expect(await jvp((a: Tensor) => detach(a), [x], [x]).tangent.data()).toEqual(Float32Array.of(0, 0));
      const { gradients, products } = hessianVector((a: Tensor) => sum(a), [x], [x]);
      expect(await (gradients[0] as Tensor).data()).toEqual(Float32Array.of(1, 1));
      expect(await (products[0] as Tensor).data()).toEqual(Float32Array.of(0, 0));
    }));

  it('what ops refuse is refused where they are differentiated twice', () =>
    scope(() => {
      const [x, row, wide] = [make([1, 2]), make([1]), make([1, 2, 3])];
      const labels = tensor([0], { dtype: 'i32', device: ctx.device });
      const none = { reduction: 'average' as never };
      const refused: Record<string, (x: Tensor) => Tensor> = {
        'crossEntropy: reduction is "average"': (a) => crossEntropy(a.reshape([1, 2]), labels, none),
        'klDiv: reduction is "average"': (a) => a.klDiv(x, none),
        'mseLoss: reduction is "average"': (a) => a.mseLoss(x, none),
        'klDiv: x has shape': (a) => a.klDiv(row),
        'layerNorm: weight has shape': (a) => sum(layerNorm(a, row)),
        'rmsNorm: weight has shape': (a) => sum(a.rmsNorm(wide)),
        'linear: bias': (a) => sum(linear(a, a.reshape([1, 2]), x)),
      };
      for (const [message, loss] of Object.entries(refused))
        expect(() => hessianVector(loss, [x], [x]), message).toThrow(message);
    }));

  it('noGrad and detach stop at the inner gradient', () =>
    scope(async () => {
      const x = make([1, 2]);
      const slope = grad((a: Tensor) => sum(square(a)));
      expect(await grad((a: Tensor) => sum(mul(a, detach(slope(a)))))(x).data()).toEqual(Float32Array.of(2, 4));
      expect(
        await grad((a: Tensor) =>
          sum(
            mul(
              a,
              noGrad(() => slope(a)),
            ),
          ),
        )(x).data(),
      ).toEqual(Float32Array.of(2, 4));
      expect(await grad((a: Tensor) => sum(mul(a, slope(a))))(x).data()).toEqual(Float32Array.of(4, 8));
    }));

  it('a checkpoint on either side of the inner gradient', () =>
    scope(async () => {
      const x = make([1, 2]);
      const f = (a: Tensor): Tensor => sum(gelu(pow(a, 3)));
      const penalty =
        (inner: (a: Tensor) => Tensor) =>
        (a: Tensor): Tensor =>
          sum(square(grad(inner)(a)));
      const plain = await grad(penalty(f))(x).data();
      expect(await grad(penalty(checkpoint(f)))(x).data()).toEqual(plain);
      expect(await grad(checkpoint(penalty(f)))(x).data()).toEqual(plain);
      expect(await grad(checkpoint(penalty(checkpoint(f))))(x).data()).toEqual(plain);
    }));

  it('a custom op of ops is differentiable again, one whose gradient runs a kernel is refused by name', async () => {
    const source = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < params.count) { y[id.x] = x[id.x] * x[id.x] * x[id.x]; }
}`;
    const cubes = kernel({ name: 'cubes', params: { count: 'u32' }, source });
    const run = (x: Tensor): Tensor => {
      const y = tensor(new Float32Array(x.size), { device: x.device });
      cubes.dispatch(x.device, { buffers: { x, y }, params: { count: x.size }, grid: grid1d(x.size, 64) });
      return y;
    };
    const cube = customOp({ name: 'cube', forward: run, backward: (g, [x]) => [mul(g, mul(square(x as Tensor), 3))] });
    using x = make([1, -2, 0.5]);
    await gradcheck(cube, [x], { order: 2, reference: ({ shape, data: v }) => ({ shape, data: v.map((t) => t ** 3) }) });
    await gradcheck(cube, [x], { order: 2 });
    const opaque = customOp({ name: 'opaque', forward: run, backward: (g, [t]) => [mul(g, run(t as Tensor))] });
    const error = /^opaque: its gradient has no derivative of its own \(kernel cubes is no op\)/;
    const twice = grad((a: Tensor) => sum(square(grad((b: Tensor) => sum(opaque(b)))(a))));
    expect(() => scope(() => twice(x))).toThrow(error);
    const ruled = defineOp('ruled', (t: Tensor): Tensor => run(t));
    defineRule(ruled, (context, t) => {
      const saved = context.save(t);
      return { output: run(t), backward: (g) => [mul(g, mul(square(saved), 3))] };
    });
    expect(() => scope(() => grad((a: Tensor) => sum(square(grad((b: Tensor) => sum(ruled(b)))(a))))(x))).toThrow(
      /^ruled: its gradient has no/,
    );
    scope(() => void grad((a: Tensor) => sum(ruled(a)))(x));
  });

  it('gives back all memory, after errors too', async () => {
    using x = make([1, 2, 3]);
    const step = (): void =>
      scope(() => {
        const penalty = (a: Tensor): Tensor => sum(square(grad((b: Tensor) => sum(gelu(pow(b, 3))))(a)));
        valueAndGrad(penalty)(x);
        hessian((a: Tensor) => sum(gelu(a)))(x);
        expect(() => valueAndGrad((a: Tensor) => mul(penalty(a), a))(x)).toThrow(/loss of shape/);
      });
    step();
    await ctx.device.settle();
    const { liveTensors, liveBytes } = ctx.device.memory();
    for (let i = 0; i < 3; i += 1) step();
    await ctx.device.settle();
    const after = ctx.device.memory();
    expect([after.liveTensors, after.liveBytes]).toEqual([liveTensors, liveBytes]);
  });

  it('a tape in a tape sees the inner gradient, by hand', async () => {
    using x = parameter(make([1, 2]));
    using outer = new Tape();
    using inner = new Tape();
    using value = scope(() => sum(pow(x, 3)));
    using slopes = inner.backward(value);
    inner.dispose();
    using penalty = scope(() => slopes.of(x).square().sum().add(x.sum()));
    using gradients = outer.backward(penalty);
    expectClose(await gradients.of(x).data(), ref([2], [37, 289]), close);
  });
});
