/** What loading from the hub takes; kept apart so that the hub's library is only read when a name is given. */

/** How far a download or a load has come, in bytes. */
export interface LoadProgress {
  readonly stage: 'download' | 'load';
  /** File (download) or weight (load) that was worked on last. */
  readonly item: string;
  readonly loaded: number;
  readonly total: number;
}

/** Which files of a model hub are taken, and from where. */
export type HubOptions = {
  /** Branch, tag or commit. Default `main`. */
  readonly revision?: string | undefined;
  /** Take the model from the cache and ask nobody. Default: whether HF_HUB_OFFLINE is 1. */
  readonly offline?: boolean | undefined;
  /** Default: HF_HUB_CACHE, else `hub` in HF_HOME, else ~/.cache/huggingface/hub. */
  readonly cacheFolder?: string | undefined;
  /** Default: HF_ENDPOINT, else the public hub. */
  readonly hubUrl?: string | undefined;
  /** Sent to the hub's origin alone, and over plain http only to this machine. Default: HF_TOKEN. */
  readonly token?: string | undefined;
  /** How long the hub may be silent, in seconds. Default: HF_HUB_DOWNLOAD_TIMEOUT, else 10. */
  readonly timeout?: number | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** A repository's name, `owner/name`. */
export function isHubName(name: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(name);
}
