/** What is told of a run before anything is computed. */
import { pathFromHere } from '../command.ts';
import { describeImported } from '../import/index.ts';
import type { RunConfig, RunSummary } from '../runs/index.ts';
import { sourcesOf } from '../runs/settings/published.ts';
import type { StatusLine } from '../terminal/status-line.ts';
import { table } from '../terminal/text.ts';

/** Classes listed before training; the report has all. */
const LISTED = 12;

/** Adapter, model, data, method, settings and classes, a line each. */
export function opening({ adapter, data, model, method }: RunSummary, config: RunConfig, line: StatusLine): string[] {
  const { shots, seed } = config;
  const total = (split: 'train' | 'val' | 'test'): number => data.classes.reduce((sum, facts) => sum + facts[split], 0);
  const layout = method.layout as { example?: string } | undefined;
  const shown = data.classes.slice(0, LISTED);
  const label = (text: string): string => line.paint('soft', text);
  const rows = shown.map(({ name, prompt, train, test }) => [name, prompt, String(train), String(test)]);
  const [heading = '', ...classes] = table([['class', 'zero-shot prompt', 'train', 'test'], ...rows], { right: [2, 3] });
  return [
    `${label('adapter')}  ${adapter}`,
    `${label('model')}    ${model.name}, ${model.imageSize} px`,
    `${label('data')}     ${data.name}: ${data.classes.length} classes, ${total('train')} training pictures (${shots === 'all' ? 'all' : `${shots} shots, seed ${seed}`}), ${total('test')} test pictures`,
    ...(data.origin ? [`         ${pathFromHere(data.origin.path)}: ${data.origin.division}`] : []),
    `${label('method')}   ${method.title}: ${method.summary}; ${method.parameters.toLocaleString('en')} numbers are learnt`,
    ...(config.imported ? [`${label('from')}     ${describeImported(config.imported)}`] : []),
    ...(layout?.example === undefined ? [] : [`         ${layout.example}`]),
    ...(config.protocol === undefined ? [] : [`${label('protocol')} ${[config.protocol, ...sourcesOf(config)].join('; ')}`]),
    ...(config.variant === undefined ? [] : [`${label('variant')}  ${config.variant}`]),
    `${label('recipe')}   ${recipe(config.imported ? { ...config, training: {} } : config)}`,
    '',
    label(heading),
    ...classes,
    ...(data.classes.length > LISTED ? [`and ${data.classes.length - LISTED} more`] : []),
    ...data.warnings.map((warning) => `${line.paint('caution', 'warning:')} ${warning}`),
    '',
  ];
}

/** The settings in force, as `--set` takes them. */
function recipe({ settings, training, augment, precision, activations }: RunConfig): string {
  const all = Object.entries({ ...settings, ...training, augment, precision, activations });
  const shown = (value: unknown): string => {
    const text = JSON.stringify(value) ?? '';
    return Array.isArray(value) && text.length > 60 ? `(${value.length} values)` : text;
  };
  return all.map(([name, value]) => `${name}=${shown(value)}`).join(' ');
}
