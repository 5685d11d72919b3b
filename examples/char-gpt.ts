/**
 * A GPT over characters learns a poem, and writes: training sees all positions at once under the causal mask, sampling one token at a time with the keys and
 * values of those before it kept.
 */
import {
  AdamW,
  Embedding,
  KVCache,
  LayerNorm,
  Linear,
  lossAndGradients,
  Module,
  randomFrom,
  TransformerBlock,
} from '@mudpt/autograd';
import { capture, crossEntropy, type Device, narrow, reshape, scope, type Tensor, tensor } from '@mudpt/tensor';

/** William Blake, The Tyger (1794). */
const POEM = `Tyger Tyger, burning bright,
In the forests of the night;
What immortal hand or eye,
Could frame thy fearful symmetry?

In what distant deeps or skies,
Burnt the fire of thine eyes?
On what wings dare he aspire?
What the hand, dare seize the fire?

And what shoulder, & what art,
Could twist the sinews of thy heart?
And when thy heart began to beat,
What dread hand? & what dread feet?

What the hammer? what the chain,
In what furnace was thy brain?
What the anvil? what dread grasp,
Dare its deadly terrors clasp!

When the stars threw down their spears
And water'd heaven with their tears:
Did he smile his work to see?
Did he who made the Lamb make thee?
`;
const [CONTEXT, BATCH, WIDTH, HEADS, LAYERS] = [64, 16, 64, 4, 2];
const letters = [...new Set(POEM)].sort();
const encode = (text: string) => Int32Array.from(text, (letter) => letters.indexOf(letter));

class GPT extends Module {
  readonly token: Embedding;
  readonly position: Embedding;
  readonly blocks: readonly TransformerBlock[];
  readonly norm: LayerNorm;
  readonly head: Linear;

  constructor(options: { readonly device: Device; readonly random: () => number }) {
    super();
    this.token = new Embedding(letters.length, WIDTH, { ...options, deviation: 0.1 });
    this.position = new Embedding(CONTEXT, WIDTH, { ...options, deviation: 0.1 });
    this.blocks = Array.from({ length: LAYERS }, () => new TransformerBlock({ width: WIDTH, heads: HEADS, ...options }));
    this.norm = new LayerNorm(WIDTH, options);
    this.head = new Linear(WIDTH, letters.length, options);
  }

  /** Ids [B, T] give logits [B, T, letters] of what comes next; with caches, one a block, ids go on where these end. */
  forward(ids: Tensor, caches?: readonly KVCache[]): Tensor {
    return scope(() => {
      const places = narrow(this.position.weight, 0, caches?.[0]?.length ?? 0, ids.shape[1] ?? 0);
      let x = this.token.forward(ids).add(places);
      for (const [i, block] of this.blocks.entries()) x = block.forward(x, { causal: true, cache: caches?.[i] });
      return this.head.forward(this.norm.forward(x));
    });
  }
}

/** The likeliest continuation of `text`, letter by letter, up to the context's length. */
async function write(model: GPT, text: string, device: Device): Promise<string> {
  const caches = model.blocks.map(() => new KVCache(CONTEXT));
  let fresh = text;
  while (text.length < CONTEXT) {
    using ids = tensor(encode(fresh), { shape: [1, fresh.length], device });
    using next = scope(() => narrow(model.forward(ids, caches), 1, fresh.length - 1, 1).argmax(2));
    fresh = letters[await next.item()] ?? '';
    text += fresh;
  }
  for (const cache of caches) cache.dispose();
  return text;
}

export default async function main(device: Device, { steps = 300 } = {}) {
  const random = randomFrom(8);
  using model = new GPT({ device, random });
  using optimizer = new AdamW(model.parameters(), { lr: 3e-3 });
  using step = capture({ x: 'i32', y: 'i32' }, ({ x, y }) => {
    const { value, gradients } = lossAndGradients(() => crossEntropy(reshape(model.forward(x), [-1, letters.length]), y));
    optimizer.step(gradients);
    return value;
  });
  /** Parts of the poem, and the letter after each of theirs. */
  const batch = () => {
    const starts = Array.from({ length: BATCH }, () => Math.floor(random() * (POEM.length - CONTEXT)));
    const cut = (shift: number) => encode(starts.map((at) => POEM.slice(at + shift, at + shift + CONTEXT)).join(''));
    return { x: { data: cut(0), shape: [BATCH, CONTEXT] }, y: { data: cut(1), shape: [BATCH * CONTEXT] } };
  };
  const losses: number[] = [];
  for (let i = 1; i <= steps; i += 1) {
    const value = step(batch());
    if (i === 1 || i % 100 === 0 || i === steps) losses.push(await value.item());
    if (i % 100 === 0 || i === steps) console.log(`step ${i}: loss ${losses.at(-1)?.toFixed(3)}`);
  }
  const text = await write(model, 'Tyger Tyger', device);
  console.log(text);
  return { losses, text };
}
