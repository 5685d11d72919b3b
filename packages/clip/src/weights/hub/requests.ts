/** Questions to the hub's API: which commit a revision is, and which files that has. Without the hub's library, whose browser form some bundlers do not find. */
import { FormatError } from '@mudpt/tensor';
import { type HubAccess, OP } from './access.ts';

/** An entry of a listing, as the hub tells it. */
export interface ListedEntry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly oid?: string;
  readonly lfs?: { readonly oid: string };
}

/** A request that the hub answered with another status than success. */
export class HubStatusError extends Error {
  constructor(
    readonly statusCode: number,
    told: string,
  ) {
    super(told);
  }
}

/** What a request to the hub's own addresses says of its user. */
export const authorization = ({ accessToken }: HubAccess): Record<string, string> =>
  accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` };

/** @throws HubStatusError */
async function ask(address: string, access: HubAccess): Promise<Response> {
  const response = await access.fetch(address, { headers: { accept: 'application/json', ...authorization(access) } });
  if (response.ok) return response;
  const text = await response.text();
  throw new HubStatusError(response.status, reasonIn(text) ?? `status ${response.status} for ${response.url}`);
}

/** What the hub's answer calls the reason, where it is JSON that has one. */
function reasonIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { readonly error?: unknown };
    return typeof error === 'string' ? error : undefined;
  } catch {
    return undefined; // a page for people
  }
}

/** The commit that a revision means. @throws HubStatusError */
export async function commitOf(name: string, revision: string, access: HubAccess): Promise<unknown> {
  const address = `${access.hubUrl}/api/models/${name}/revision/${encodeURIComponent(revision)}?expand=sha`;
  return ((await (await ask(address, access)).json()) as { readonly sha?: unknown }).sha;
}

/** Files and folders at the top of a commit. @throws HubStatusError, FormatError */
export async function* listTree(name: string, commit: string, access: HubAccess): AsyncGenerator<ListedEntry> {
  let address: string | undefined = `${access.hubUrl}/api/models/${name}/tree/${commit}?recursive=false&expand=false`;
  while (address !== undefined) {
    const response = await ask(address, access);
    const entries: unknown = await response.json();
    if (!Array.isArray(entries))
      throw new FormatError(OP, `${name}: the hub's list of files is none`, 'check the address of the hub');
    yield* entries as ListedEntry[];
    address = /<(https?:[^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  }
}
