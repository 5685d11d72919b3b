import { optimAdamWgsl } from '@mudpt/shaders';
import type { Tensor } from '@mudpt/tensor/functions';
import { shaderKernel } from '@mudpt/tensor/kernels';
import { expectMoments, momentParams } from './moments.ts';
import { Optimizer, type Update } from './optimizer.ts';
import { COMMON, type CommonOptions, type Group } from './options.ts';

const adam = shaderKernel({ name: 'optim.adam', source: optimAdamWgsl, strided: true });

/** Options of {@link Adam} and {@link AdamW}, by the names of PyTorch. */
export type AdamOptions = CommonOptions & {
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly amsgrad: boolean;
};
type Given = Partial<AdamOptions>;

class AdamBase extends Optimizer<AdamOptions> {
  protected readonly decoupled: boolean = false;

  constructor(parameters: readonly Tensor[] | readonly Group<AdamOptions>[], options: Given = {}) {
    super(parameters, { lr: 1e-3, ...COMMON, betas: [0.9, 0.999], eps: 1e-8, amsgrad: false }, options);
  }

  protected validate({ betas, eps }: AdamOptions): void {
    const [beta1, beta2] = betas;
    expectMoments('Adam', { beta1, beta2 }, eps);
  }

  protected stateNames({ amsgrad }: AdamOptions): readonly string[] {
    return amsgrad ? ['m', 'v', 'top'] : ['m', 'v'];
  }

  protected countsSteps(): boolean {
    return true;
  }

  protected update(update: Update<AdamOptions>): void {
    const { betas, eps, amsgrad } = update.group.options;
    this.dispatch(adam, update, {
      params: { ...momentParams(betas), eps },
      defines: { DECOUPLED: this.decoupled ? 1 : 0, AMSGRAD: amsgrad ? 1 : 0 },
      moved: amsgrad ? 9 : 7,
    });
  }
}

/** Adam as torch.optim.Adam (weight decay is added to the gradient); one dispatch for each group. lr 1e-3, betas 0.9 and 0.999, eps 1e-8. */
export class Adam extends AdamBase {}

/** AdamW as torch.optim.AdamW (decoupled weight decay, default 0.01); one dispatch for each group. */
export class AdamW extends AdamBase {
  protected override readonly decoupled = true;

  constructor(parameters: readonly Tensor[] | readonly Group<AdamOptions>[], options: Given = {}) {
    super(parameters, { ...options, weightDecay: options.weightDecay ?? 0.01 });
  }
}
