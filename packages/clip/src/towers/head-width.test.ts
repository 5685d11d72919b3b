/** Heads of SigLIP so400m (72 channels), ViT-H (80), ViT-g (88) and ViT-bigG (104): attention and its gradient against the products it is made of. */
import { parameter, Tape } from '@mudpt/autograd';
import { attentionQkv, matmul, mul, permute, reshape, scope, select, softmax, sum, tensor, type Tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { distance, numbers } from '@mudpt/testing/numbers';
import { eachDevice } from '@mudpt/testing/support';

const [IMAGES, TOKENS, HEADS] = [2, 5, 2];

function composed(qkv: Tensor, depth: number): Tensor {
  const [q, k, v] = [0, 1, 2].map((part) => permute(select(qkv, 2, part), [0, 2, 1, 3])) as [Tensor, Tensor, Tensor];
  const shares = softmax(matmul(q, k, { transposeB: true, alpha: depth ** -0.5 }), -1);
  return permute(matmul(shares, v), [0, 2, 1, 3]);
}

eachDevice('heads', (ctx) => {
  it.each([72, 80, 88, 104])('of %i channels', async (depth) => {
    await scope(async () => {
      const shape = [IMAGES, TOKENS, 3, HEADS, depth];
      const values = numbers(
        shape.reduce((product, extent) => product * extent, 1),
        3,
      );
      const weights = tensor(numbers(IMAGES * TOKENS * HEADS * depth, 4), {
        shape: [IMAGES, TOKENS, HEADS, depth],
        device: ctx.device,
      });
      const run = async (attend: (qkv: Tensor) => Tensor) => {
        const qkv = parameter(tensor(values, { shape, device: ctx.device }));
        using tape = new Tape();
        const out = reshape(attend(qkv), weights.shape);
        const gradients = tape.backward(sum(mul(out, weights)));
        const found = await Promise.all([out.data(), gradients.of(qkv).data()]);
        gradients.dispose();
        qkv.dispose();
        return found;
      };
      const [fused, apart] = [await run((qkv) => attentionQkv(qkv)), await run((qkv) => composed(qkv, depth))];
      expect(distance(fused[0], apart[0])).toBeLessThan(1e-5);
      expect(distance(fused[1], apart[1])).toBeLessThan(1e-5);
    });
  });
});
