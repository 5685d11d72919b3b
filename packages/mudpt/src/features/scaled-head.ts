/** A classifier of features of both towers, each channel scaled and shifted first: DePT's. */
import { Linear, parameter } from '@mudpt/autograd';
import { add, type Device, keep, linear, mul, ones, type Tensor, zeros } from '@mudpt/tensor';
import type { CreationContext } from '../method/method.ts';
import type { PromptSpec } from '../method/prompt-spec.ts';
import { named } from '../prompts/injection/parts.ts';

type Tower = 'img' | 'text';

/** A scale and a shift [embed] for each tower, and a linear layer [classes, embed]. By the authors' names. */
export class ScaledHead {
  readonly learnable: ReadonlyMap<string, Tensor>;
  readonly device: Device;

  constructor({ device, random, embed }: CreationContext, classes: number) {
    this.device = device;
    const vector = (name: string, values: Tensor): readonly [string, Tensor] => [name, parameter(keep(values), { name })];
    const films = (['img', 'text'] as const).flatMap((tower) => [
      vector(`film_lp_${tower}.scale`, ones([embed], { device })),
      vector(`film_lp_${tower}.bias`, zeros([embed], { device })),
    ]);
    this.learnable = new Map([...films, ...named('linear_probe_proj', new Linear(embed, classes, { device, random }))]);
  }

  get branches(): Required<NonNullable<PromptSpec['branches']>> {
    const of = (tower: string): string[] => [...this.learnable.keys()].filter((name) => name.includes(tower));
    return { text: of('_text.'), image: [...of('_img.'), ...of('probe')] };
  }

  /** Logits [N, classes] of features [N, embed] that were scaled and shifted. */
  logits(scaled: Tensor): Tensor {
    return linear(scaled, this.of('linear_probe_proj.weight'), this.of('linear_probe_proj.bias'));
  }

  /** Features [N, embed] of a tower, not normalised, scaled and shifted by channel. */
  scaled(tower: Tower, features: Tensor): Tensor {
    return add(mul(features, this.of(`film_lp_${tower}.scale`)), this.of(`film_lp_${tower}.bias`));
  }

  dispose(): void {
    for (const learnt of this.learnable.values()) learnt.dispose();
  }

  private of(name: string): Tensor {
    return this.learnable.get(name) as Tensor;
  }
}
