/** Requests to the hub: to whom the token goes, how long is waited, how much is read of a listing. */
import { type Fetch, FormatError, InputError, REQUEST_SECONDS, timedFetch } from '@mudpt/tensor';
import type { HubOptions } from './options.ts';

/** What requests to the hub need. */
export interface HubAccess {
  readonly hubUrl: string;
  readonly accessToken: string | undefined;
  readonly fetch: typeof fetch;
}

export const OP = 'hub';

const PUBLIC_HUB = 'https://huggingface.co';
/** A page has up to a thousand files. */
const MOST_PAGES = 100;
const MOST_LISTING_BYTES = 2 ** 26;

/**
 * Access with time-outs, whose token no other host than the hub gets to see: links and redirects lead elsewhere, and the hub's library
 * would send it along.
 * @throws InputError for what is no token, no address, or a token that would go over plain http to another machine
 */
export function hubAccess({ token, hubUrl = PUBLIC_HUB, signal, timeout = REQUEST_SECONDS }: HubOptions): HubAccess {
  if (token !== undefined && !token.startsWith('hf_'))
    throw new InputError(
      OP,
      'the token does not begin with "hf_"',
      'copy the access token again from the settings of the account',
    );
  const hub = addressOf(hubUrl);
  if (token !== undefined && !isPrivateTo(hub))
    throw new InputError(
      OP,
      `the token would go to ${hub.host} over plain http, where others can read it`,
      'give an https address, or load without the token',
    );
  const get: Fetch = (input, init) => {
    const address = new URL(input instanceof Request ? input.url : input);
    if (!/^https?:$/.test(address.protocol))
      throw new FormatError(
        OP,
        `the hub leads to ${address.protocol}//, which is no web address`,
        'check the address of the hub',
      );
    const headers = new Headers(init?.headers);
    if (address.origin !== hub.origin && headers.get('authorization') === `Bearer ${token}`) headers.delete('authorization');
    const signals = [init?.signal, signal].filter((one) => one !== null && one !== undefined);
    return fetch(input, { ...init, headers, ...(signals.length > 0 && { signal: AbortSignal.any(signals) }) });
  };
  return {
    hubUrl: hubUrl.replace(/\/+$/, ''),
    accessToken: token,
    fetch: timedFetch(get, { seconds: timeout }),
  };
}

/** Access for one listing: an endless one, in pages or in bytes, is an error. */
export function listingAccess(name: string, access: HubAccess): HubAccess {
  let pages = 0;
  const get = timedFetch(access.fetch, { seconds: Infinity, mostBytes: MOST_LISTING_BYTES });
  return {
    ...access,
    fetch: async (input, init) => {
      pages += 1;
      if (pages > MOST_PAGES)
        throw new FormatError(
          OP,
          `the hub lists the files of ${name} on more than ${MOST_PAGES} pages`,
          'check the name and the address of the hub',
        );
      return get(input, init);
    },
  };
}

function addressOf(hubUrl: string): URL {
  const address = URL.canParse(hubUrl) ? new URL(hubUrl) : undefined;
  if (address && /^https?:$/.test(address.protocol)) return address;
  throw new InputError(OP, `${JSON.stringify(hubUrl)} is no address of a hub`, `give one such as ${PUBLIC_HUB}`);
}

/** Whether nobody between can read what is sent. */
function isPrivateTo({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
