import { expect, it } from 'vitest';
import { tensor } from '@mudpt/tensor';
import { eachDevice } from '../../tensor/test/support.ts';
import { distance, goldenClip, readFixture } from '../test/golden.ts';

eachDevice('Clip', (ctx) => {
  it("gives the features and logits of OpenAI's code", async () => {
    using clip = await goldenClip({ device: ctx.device });
    const golden = await readFixture('zeroshot_clip_a.safetensors');
    const of = (name: string) => golden.get(name) ?? { shape: [], data: new Float32Array() };
    using images = tensor(of('input.image').data, { shape: of('input.image').shape, device: ctx.device });
    const ids = { ids: Int32Array.from(of('input.token_ids').data), contextLength: 16 };
    using imageFeatures = await clip.encodeImage(images);
    using dense = await clip.encodeText(ids, { packed: false });
    using packed = await clip.encodeText(ids);
    using logits = clip.similarity(imageFeatures, packed);
    expect(distance(await imageFeatures.data(), of('expect.image_features').data)).toBeLessThan(1e-5);
    expect(distance(await dense.data(), of('expect.text_features').data)).toBeLessThan(1e-5);
    expect(distance(await packed.data(), await dense.data())).toBeLessThan(1e-6);
    expect(distance(await logits.data(), of('expect.logits').data)).toBeLessThan(1e-5);
  });
});
