/** Models of the hub in a browser: files are read from the hub by ranges, and kept by the browser's own cache at most. */
import { downloadFile } from '@huggingface/hub';
import { InputError } from '@mudpt/tensor';
import type { Files } from '../files/located.ts';
import { checkRevision, hubError, hubListing } from './listing.ts';
import { hubAccess, OP } from './access.ts';
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
    const open = async (path: string): Promise<Blob> => {
      const blob = await downloadFile({ repo: name, path, revision: commit, ...access });
      if (!blob) throw new InputError(OP, `${name} has no file ${path}`, 'check the name of the model');
      return blob;
    };
    return { name, names: files.map(({ path }) => path), open };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw hubError(name, revision, error);
  }
}
