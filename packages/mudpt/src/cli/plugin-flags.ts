/** `--plugin FILE`, for every command: plugins are loaded before the rest of the command line is read, because it may name what they register. */
import { InputError } from '@mudpt/tensor';
import { datasetDefinitions } from '../datasets/index.ts';
import { methodNames } from '../methods/index.ts';
import { loadedPlugins, loadPlugin, type PluginRecord } from '../plugins/load.ts';

const FLAG = '--plugin';

/** Takes the flag and its values out of a command line, up to `--`. @throws InputError for one without a value */
export function takePlugins(words: readonly string[]): { readonly plugins: string[]; readonly rest: string[] } {
  const plugins: string[] = [];
  const rest: string[] = [];
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  for (let at = 0; at < end; at++) {
    const word = words[at] as string;
    const [flag, ...value] = word.split('=');
    if (flag !== FLAG) {
      rest.push(word);
      continue;
    }
    const plugin = word.length > FLAG.length ? value.join('=') : at + 1 < end ? words[++at] : undefined;
    if (plugin === undefined || plugin === '' || plugin.startsWith('--'))
      throw new InputError(FLAG, 'has no value', `write ${FLAG} ./my-method.ts`);
    plugins.push(plugin);
  }
  return { plugins, rest: [...rest, ...words.slice(end)] };
}

/** Loads them in their order. @throws InputError for one that cannot be loaded, or that registers nothing */
export async function loadPluginFlags(plugins: readonly string[]): Promise<PluginRecord[]> {
  const records: PluginRecord[] = [];
  for (const plugin of new Set(plugins)) {
    const before = countRegistered();
    const count = loadedPlugins().length;
    records.push(await loadPlugin(plugin));
    if (loadedPlugins().length > count && countRegistered() === before)
      throw new InputError(
        FLAG,
        `${plugin} registers neither a method nor a data set`,
        'call registerMethod or registerDataset in it; both are exported by mudpt',
      );
  }
  return records;
}

function countRegistered(): number {
  return methodNames().length + datasetDefinitions().length;
}
