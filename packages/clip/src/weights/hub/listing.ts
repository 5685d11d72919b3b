/** Models of the Hugging Face hub by name: what Node (hub.node.ts) and browsers (hub.browser.ts) share. */
import { FormatError, InputError, TensorError } from '@mudpt/tensor';
import { type HubAccess, listingAccess, OP } from './access.ts';
import { commitOf, type ListedEntry, listTree } from './requests.ts';

/** Branches and tags become file names in the cache. @throws InputError for what could lead elsewhere */
export function checkRevision(revision: string): string {
  const isPlain = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(revision);
  if (isPlain) return revision;
  throw new InputError(OP, `${JSON.stringify(revision)} is no revision`, 'give a branch, a tag or a commit');
}

export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** SHA-256 of a large file, or git's hash of a small one: the name of its blob in the cache. */
  readonly etag: string;
  readonly isLarge: boolean;
}

/** The commit that a revision means, and the files at its top. */
export async function hubListing(
  name: string,
  revision: string,
  access: HubAccess,
): Promise<{ commit: string; files: readonly HubFile[] }> {
  const listing = listingAccess(name, access);
  const commit = await commitOf(name, revision, listing);
  if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit))
    throw new FormatError(OP, `${name}: the hub names no commit for ${revision}`, 'try again');
  const files: HubFile[] = [];
  for await (const entry of listTree(name, commit, listing)) {
    const file = readEntry(entry);
    if (file) files.push(file);
  }
  return { commit, files };
}

/** Folders, and names that could lead out of one, are left out. */
function readEntry({ type, path, size, oid, lfs }: ListedEntry): HubFile | undefined {
  const etag = lfs?.oid ?? oid ?? '';
  const isPlain = type === 'file' && !/[/\\:]|^\.|^$/.test(path);
  if (!isPlain || !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(etag) || !Number.isSafeInteger(size)) return undefined;
  return { path, size, etag, isLarge: lfs !== undefined };
}

/** What the hub answered a request that failed: one of ours, or in Node of its library. */
function statusOf(cause: unknown): number | undefined {
  const status = cause instanceof Error && 'statusCode' in cause ? cause.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}

/** What a failed request means for the user: an InputError where the name, the revision or the token is refused. */
export function hubError(name: string, revision: string, cause: unknown): unknown {
  if (cause instanceof TensorError) return cause;
  const told = (problem: string) => `${name} at ${revision}: ${problem}`;
  const refuse = (problem: string, fix: string) => new InputError(OP, told(problem), fix, { cause });
  const reason =
    cause instanceof Error
      ? cause.cause instanceof Error
        ? `${cause.message}: ${cause.cause.message}`
        : cause.message
      : String(cause);
  const status = statusOf(cause);
  if (status === undefined)
    return new TensorError(
      OP,
      told(`the hub cannot be reached (${reason})`),
      'check the connection; what is in the cache loads with offline: true',
      { cause },
    );
  if (status === 401 || status === 403)
    return refuse(`the hub refuses access (${status})`, 'check the name; for private or gated models set HF_TOKEN');
  if (status === 404) return refuse('the hub has no such model or revision', 'check the name and the revision');
  return new TensorError(OP, told(`the hub answered ${status} (${reason})`), 'try again later', { cause });
}
