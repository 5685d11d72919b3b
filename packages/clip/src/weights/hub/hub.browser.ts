/** Models of the hub in a browser: files are read from the hub by ranges, and kept by the browser's own cache at most. */
import { type ByteSource, httpSource, InputError } from '@mudpt/tensor';
import type { Files } from '../files/located.ts';
import { checkRevision, hubError, hubListing } from './listing.ts';
import { hubAccess, OP } from './access.ts';
import { authorization } from './requests.ts';
import type { HubOptions } from './options.ts';

/** The files of a model. @throws InputError for a name or revision the hub refuses, and when asked to stay offline */
export async function hubFiles(name: string, options: HubOptions = {}): Promise<Files> {
  const revision = checkRevision(options.revision ?? 'main');
  if (options.offline)
    throw new InputError(
      OP,
      `a browser has no folder of models to take ${name} from`,
      'let the user pick the files of the model',
    );
  const access = hubAccess(options);
  try {
    const { commit, files } = await hubListing(name, revision, access);
    // What is asked for is in the listing, or in the index of a model in several files.
    const open = (path: string): Promise<ByteSource> =>
      httpSource(`${access.hubUrl}/${name}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`, {
        fetch: access.fetch,
        headers: authorization(access),
        ...(options.timeout !== undefined && { timeout: options.timeout }),
      });
    return { name, names: files.map(({ path }) => path), open };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw hubError(name, revision, error);
  }
}
