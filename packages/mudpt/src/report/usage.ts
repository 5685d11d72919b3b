/** How to use a run, and its settings: the last section of a report. */
import { command } from '../command.ts';
import type { RunConfig, RunSummary } from '../runs/index.ts';
import { html, type Markup } from './markup.ts';

export function usage(summary: RunSummary, config: RunConfig, folder: string): Markup {
  const { settings: ofMethod, training, ...run } = config;
  const used = {
    ...run,
    data: `${summary.data.name} (${config.data})`,
    template: summary.data.template,
    model: summary.model.name,
  };
  const settings = Object.entries({ ...used, ...ofMethod, ...training }).map(
    ([key, value]) => html`<dt>${key}</dt><dd>${typeof value === 'string' ? value : JSON.stringify(value)}</dd>`,
  );
  return html`<h2>Use it</h2>
<pre># classify files and folders
${command(`predict ${folder} my-pictures --top 5`)}
# the same prompts on other data
${command(`evaluate ${folder} --data other-pictures`)}</pre>
<p class="soft">What was learnt is in <code>prompts.safetensors</code> and <code>prompts.json</code> beside this file; it belongs to the base model <code>${summary.model.name}</code> (${summary.model.hash.slice(0, 12)}).</p>
<h2>Settings</h2><dl>${settings}</dl>`;
}
