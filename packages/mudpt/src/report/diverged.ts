/** The report of a run that diverged: where, on which curve, with which settings, and what to try. */
import type { RunConfig, RunSummary } from '../runs/index.ts';
import type { Divergence, MetricsLine } from '../train/index.ts';
import { adviceFor, describeDivergence } from '../train/index.ts';
import { html } from './markup.ts';
import { page } from './page.ts';
import { accuracyCurve, lossCurve } from './curves.ts';
import { curves } from './sections.ts';

export function divergedPage(
  { method, data, model, adapter, training }: RunSummary,
  config: RunConfig,
  metrics: readonly MetricsLine[],
  divergence: Divergence,
): string {
  const title = `${method.title} on ${data.name}: diverged`;
  const { stepsPerEpoch } = training;
  const settings = Object.entries({ ...config.settings, ...config.training, seed: config.seed, shots: config.shots });
  return page(title, [
    html`<h1>${title}</h1>
<p class="note">This run has no result: ${describeDivergence(divergence)}.</p>
<p>What to try: ${adviceFor(divergence)}.</p>
<p class="soft">Base model ${model.name}, on ${adapter}. The curves end at the last finite reading.</p>`,
    curves(lossCurve(metrics, stepsPerEpoch), accuracyCurve(metrics, stepsPerEpoch), training, config),
    html`<h2>Settings</h2><dl>${settings.map(([key, value]) => html`<dt>${key}</dt><dd>${JSON.stringify(value)}</dd>`)}</dl>`,
  ]);
}
