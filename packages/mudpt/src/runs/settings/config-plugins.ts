/** A configuration whose files were looked at: plugins are loaded, so that their methods and data sets are known, and descriptions are recorded. */
import { loadPlugins } from '../../plugins/load.ts';
import { resolveConfig } from './config.ts';
import { recordDescriptions } from './text-files.ts';
import type { RunConfig, RunInput } from './settings.ts';

/**
 * Loads the plugins that a configuration names, then fills in defaults as {@link resolveConfig} does.
 * @returns the configuration, plugins and descriptions recorded by path and the hash of their contents
 * @throws InputError for a plugin that is missing or broken, and for what is refused in the configuration
 */
export async function loadConfig(input: RunInput, source?: string): Promise<RunConfig> {
  const { plugins = [], descriptions } = input;
  return resolveConfig(
    {
      ...input,
      ...(plugins.length > 0 && { plugins: await loadPlugins(plugins) }),
      ...(typeof descriptions === 'string' && { descriptions: await recordDescriptions(descriptions) }),
    },
    source,
  );
}
