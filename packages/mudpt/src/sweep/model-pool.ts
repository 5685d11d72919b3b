/** The base models of one process: each is opened once and serves every cell that wants it. */
import type { Device } from '@mudpt/tensor';
import { canonicalText } from '@mudpt/tensor/internal';
import { type BaseModel, openModel } from '../runs/material/model.ts';
import type { RunConfig } from '../runs/index.ts';

export class ModelPool {
  private kept: { readonly key: string; readonly model: BaseModel } | undefined;

  /** The model of a configuration; whoever gets it closes it, which leaves it open here. Another one takes the place of the last. */
  async open(
    config: Pick<RunConfig, 'model' | 'precision' | 'activations'>,
    device: Device,
    signal?: AbortSignal,
  ): Promise<BaseModel> {
    const key = canonicalText([config.model, config.precision, config.activations]);
    if (this.kept?.key !== key) {
      this.dispose();
      this.kept = { key, model: await openModel(config, device, signal) };
    }
    return { ...this.kept.model, close: () => undefined };
  }

  dispose(): void {
    this.kept?.model.close();
    this.kept = undefined;
  }
}
