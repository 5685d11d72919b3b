/** `pnpm parity FILE-or-FOLDER...`: runs golden files and prints each tensor's relative error, PASS or FAIL per file, and the count. */
import { differentiate, optimize } from './learning.ts';
import { Device } from '@mudpt/tensor';
import { classify, listFiles } from './files.ts';
import { runMethodFile } from './methods/run.ts';
import { runPreprocessFile } from './preprocess.ts';
import { runProtocolFile } from './protocol.ts';
import { countLine, describeFile, type FileResult, hasPassed } from './report.ts';
import { type Extensions, messageOf, runFile } from './run.ts';
import { runTokenizerFile } from './tokenizer.ts';
import { runWeightsFile } from './weights.ts';

const USAGE = `usage: pnpm parity FILE-or-FOLDER...
Runs the golden files given, and all files below the folders given, and compares with the numbers in them.
The last line counts files; the exit status is 1 when one failed or is not supported, 2 when the paths cannot be read.`;

const EXTENSIONS: Extensions = { differentiate, optimize };

/** Opens the device at the first file that needs one. */
function lazyDevice(): { open: () => Promise<Device>; dispose: () => Promise<void> } {
  let device: Promise<Device> | undefined;
  return {
    open: () => (device ??= Device.open()),
    dispose: async () => (await device)?.dispose(),
  };
}

async function resultOf(path: string, named: boolean, open: () => Promise<Device>): Promise<FileResult | string> {
  try {
    const contents = await classify(path);
    if (contents.kind === 'op') return await runFile(path, await open(), EXTENSIONS);
    if (contents.kind === 'method') return await runMethodFile(path, contents.method, open);
    if (contents.kind === 'weights') return await runWeightsFile(path, open);
    if (contents.kind === 'texts') return await runTokenizerFile(path);
    if (contents.kind === 'protocol') return await runProtocolFile(path);
    if (contents.kind === 'pictures') return await runPreprocessFile(path);
    if (contents.kind === 'unsupported') return { path, cases: [], problem: `unsupported: ${contents.why}` };
    if (named) return { path, cases: [], problem: `is no golden by itself; it belongs to ${contents.of}` };
    return `${path} belongs to ${contents.of}`;
  } catch (error) {
    return { path, cases: [], problem: messageOf(error) };
  }
}

async function main(paths: readonly string[]): Promise<number> {
  if (paths.length === 0 || paths.some((path) => path.startsWith('-'))) {
    console.error(USAGE);
    return paths.includes('--help') || paths.includes('-h') ? 0 : 2;
  }
  const files = await listFiles(paths).catch((error: unknown) => messageOf(error));
  if (typeof files === 'string') {
    console.error(files);
    return 2;
  }
  const device = lazyDevice();
  const results: FileResult[] = [];
  for (const { path, named } of files) {
    const result = await resultOf(path, named, device.open);
    if (typeof result === 'string') console.log(result);
    else {
      results.push(result);
      console.log(describeFile(result).join('\n'));
    }
  }
  await device.dispose();
  console.log(countLine(results));
  return results.length > 0 && results.every(hasPassed) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
