/** Thumbnails of the images that are shown, read as they come into view. */
import { blobsOf } from '../project/store.ts';

/** Addresses kept; the oldest is given back first. */
const MOST = 2000;
const addresses = new Map<string, string>();

/** What comes into view together is read together. */
let wanted: { readonly ids: string[]; readonly blobs: Promise<(Blob | undefined)[]> } | undefined;

async function read(id: string): Promise<Blob | undefined> {
  if (!wanted) {
    const ids: string[] = [];
    const blobs = Promise.resolve().then(() => {
      wanted = undefined;
      return blobsOf('thumbnails', ids);
    });
    wanted = { ids, blobs };
  }
  const { ids, blobs } = wanted;
  const place = ids.push(id) - 1;
  return (await blobs)[place];
}

/** Undefined for an image that is gone. */
export async function thumbnail(id: string): Promise<string | undefined> {
  const known = addresses.get(id);
  if (known !== undefined) return known;
  const blob = await read(id);
  if (!blob) return undefined;
  const again = addresses.get(id);
  if (again !== undefined) return again;
  const address = URL.createObjectURL(blob);
  addresses.set(id, address);
  if (addresses.size > MOST) {
    const [oldest] = addresses;
    if (oldest) {
      URL.revokeObjectURL(oldest[1]);
      addresses.delete(oldest[0]);
    }
  }
  return address;
}

export function knownThumbnail(id: string): string | undefined {
  return addresses.get(id);
}
