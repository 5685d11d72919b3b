/** The container format of a file of weights, told by its first bytes, because names can be wrong. */
import { byteSource, type ByteSource, FormatError, openSafetensors, type OpenShard, readSafetensorsIndex } from '@mudpt/tensor';
import type { TensorFile } from './tensor-file.ts';

const OP = 'openWeights';
const HEAD_BYTES = 64;

/**
 * Opens a safetensors file, a shard index (its shards come from `openShard`) or a PyTorch archive. The source is the file's from then on.
 * @throws FormatError that says what the file is, where it is something else
 */
export async function openTensorFile(source: ByteSource, openShard: OpenShard): Promise<TensorFile> {
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size)).catch(async (error: unknown) => {
    await source.close?.();
    throw error;
  });
  const text = String.fromCharCode(...head);
  if (text.startsWith('PK')) {
    // Archives need a library that the other formats do not.
    const { openTorch } = await import('./torch-file.ts');
    return openTorch(source);
  }
  const refusal = refusalOf(text, source.size);
  if (refusal) {
    await source.close?.();
    throw new FormatError(OP, `${source.name} ${refusal[0]}`, refusal[1]);
  }
  // Eight bytes of JSON hold no zero; the length of a safetensors header always does.
  if (text.startsWith('{') && !text.slice(0, 8).includes('\0')) return readSafetensorsIndex(source, openShard);
  return openSafetensors(source);
}

const AGAIN = 'download the file itself';

function refusalOf(text: string, size: number): readonly [string, string] | undefined {
  // PROTO, then a version.
  if (text.startsWith('\x80') && text.charCodeAt(1) >= 2 && text.charCodeAt(1) <= 5) {
    return [
      'is a bare pickle, as PyTorch wrote before version 1.6 (or with _use_new_zipfile_serialization=False)',
      'load it with PyTorch and save it again: torch.save(state_dict, path)',
    ];
  }
  if (text.startsWith('version https://git-lfs'))
    return [`is a pointer of Git LFS with ${size} bytes, not the file it points to`, 'run git lfs pull'];
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) return ['is a web page', AGAIN];
  if (text.startsWith('\x1f\x8b')) return ['is packed by gzip', 'unpack it'];
  if (text.startsWith('\x89HDF'))
    return ['is an HDF5 file (of Keras or TensorFlow)', 'give the safetensors file of the same model'];
  if (size === 0) return ['is empty', AGAIN];
  return undefined;
}

/** Reads a small JSON file. @throws FormatError naming the file */
export async function readJson(name: string, input: Parameters<typeof byteSource>[0]): Promise<unknown> {
  const source = await byteSource(input);
  try {
    if (source.size > MAX_JSON_BYTES)
      throw new FormatError(
        OP,
        `${source.name} has ${source.size} bytes, the limit for a configuration is ${MAX_JSON_BYTES}`,
        AGAIN,
      );
    return JSON.parse(new TextDecoder().decode(await source.read(0, source.size)));
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError(OP, `${name} is not valid JSON (${cause instanceof Error ? cause.message : String(cause)})`, AGAIN, {
      cause,
    });
  } finally {
    await source.close?.();
  }
}

const MAX_JSON_BYTES = 2 ** 20;
