/** Thumbnails of the images that are shown, read as they come into view. */
import { database } from '../project/store.ts';

/** Addresses kept; the oldest is given back first. */
const MOST = 2000;
const addresses = new Map<string, string>();

/** Undefined for an image that is gone. */
export async function thumbnail(id: string): Promise<string | undefined> {
  const known = addresses.get(id);
  if (known !== undefined) return known;
  const blob = await (await database()).get('thumbnails', id);
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
