/** A configuration after its plugins were loaded: methods and data sets of other packages are known from here on. */
import { loadPlugins } from '../plugins/load.ts';
import { resolveConfig } from './config.ts';
import type { RunConfig, RunInput } from './settings.ts';

/**
 * Loads the plugins that a configuration names, then fills in defaults as {@link resolveConfig} does.
 * @returns the configuration, each plugin recorded by its path and the hash of its contents
 * @throws InputError for a plugin that is missing or broken, and for what is refused in the configuration
 */
export async function loadConfig(input: RunInput, source?: string): Promise<RunConfig> {
  if (!input.plugins || input.plugins.length === 0) return resolveConfig(input, source);
  return resolveConfig({ ...input, plugins: await loadPlugins(input.plugins) }, source);
}
