/** Gradients and optimizers of the goldens, by the autograd package. */
import { Adam, AdamW, Gradients, type Optimizer, parameter, SGD, Tape } from '@mudpt/autograd';
import { scope, type Tensor, tensor } from '@mudpt/tensor';
import { type GoldenCase, type HostTensor, tensorsUnder } from './golden.ts';
import { Options, Unsupported } from './options.ts';
import type { Extensions } from './run.ts';

export const differentiate: NonNullable<Extensions['differentiate']> = (compute, inputs, cotangent) => {
  using tape = new Tape();
  for (const input of inputs.values()) tape.watch(input);
  const out = compute();
  const found = tape.backward(out, cotangent);
  return { out, gradients: new Map([...inputs].map(([name, input]) => [name, found.of(input)])) };
};

/** torch's names of optimizer states and ours. */
const STATES: Readonly<Record<string, string>> = {
  momentum_buffer: 'm',
  exp_avg: 'm',
  exp_avg_sq: 'v',
  max_exp_avg_sq: 'top',
  step: 'step',
};

function build(golden: GoldenCase, parameters: readonly Tensor[]): Optimizer<never> {
  const options = new Options(golden.options);
  const common = { lr: options.number('lr'), weightDecay: options.number('weight_decay') };
  switch (golden.entry['optimizer']) {
    case 'torch.optim.SGD': {
      const momentum = {
        momentum: options.number('momentum'),
        dampening: options.number('dampening'),
        nesterov: options.flag('nesterov'),
      };
      return new SGD(parameters, { ...common, ...momentum }) as unknown as Optimizer<never>;
    }
    case 'torch.optim.Adam':
    case 'torch.optim.AdamW': {
      const [first = 0.9, second = 0.999] = options.numbers('betas');
      const moments = {
        ...common,
        betas: [first, second] as const,
        eps: options.number('eps'),
        amsgrad: options.flag('amsgrad'),
      };
      const made =
        golden.entry['optimizer'] === 'torch.optim.Adam' ? new Adam(parameters, moments) : new AdamW(parameters, moments);
      return made as unknown as Optimizer<never>;
    }
    default:
      throw new Unsupported(`optimizer ${String(golden.entry['optimizer'])}`);
  }
}

export const optimize: NonNullable<Extensions['optimize']> = async (golden, device) =>
  await scope(async () => {
    const upload = ({ shape, values }: HostTensor): Tensor => tensor(values, { shape, device });
    const parameters = new Map(
      [...tensorsUnder(golden, 'init.')].map(([name, host]) => [name, parameter(upload(host), { name })]),
    );
    using optimizer = build(golden, [...parameters.values()]);
    const results = new Map<string, HostTensor>();
    const rates = golden.entry['lr_per_step'] as readonly number[];
    for (const [step, lr] of rates.entries()) {
      const gradients = [...tensorsUnder(golden, `step${step}.grad.`)].map(([name, host]): [Tensor, Tensor] => [
        parameters.get(name) ?? unknownParameter(name),
        upload(host),
      ]);
      optimizer.step(new Gradients(gradients), { lr });
      for (const [name, value] of parameters) results.set(`step${step}.param.${name}`, await download(value));
    }
    const states = optimizer.stateDict();
    for (const name of golden.tensors.keys()) {
      const [, theirs = '', of = ''] = /^state\.([^.]+)\.(.+)$/.exec(name) ?? [];
      const state = states[`${STATES[theirs]}.${of}`];
      if (state) results.set(name, await download(state));
    }
    return results;
  });

function unknownParameter(name: string): never {
  throw new Error(`a gradient is given for "${name}", which has no initial value`);
}

async function download(value: Tensor): Promise<HostTensor> {
  return { shape: value.shape, values: Float32Array.from(await value.data()) };
}
