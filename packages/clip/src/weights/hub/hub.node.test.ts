import { access, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { COMMIT, type HubRepository, HubServer, TOKEN } from '@mudpt/testing/weights/hub-server';
import { failureOf } from '@mudpt/testing/failure';
import { fixture, FIXTURE_CONFIG, folder, sameBytes } from '@mudpt/testing/weights/models';
import { toHuggingFace } from '../names/hugging-face-config.ts';
import { hubFiles as browserFiles } from './hub.browser.ts';
import { hubFiles } from './hub.node.ts';
import type { HubOptions, LoadProgress } from './options.ts';
import { loadClip } from '../load.ts';
import { openWeights } from '../open.ts';

const NAME = 'owner/small-clip';
const weights = await fixture('hf-f16.safetensors');
const config = new TextEncoder().encode(JSON.stringify(toHuggingFace(FIXTURE_CONFIG)));
const REPOSITORY: HubRepository = {
  name: NAME,
  revisions: ['main', 'refs/pr/1'],
  files: {
    'README.md': Uint8Array.of(1, 2, 3),
    'config.json': config,
    'model.safetensors': weights,
    'pytorch_model.bin': Uint8Array.of(4),
    'flax_model.msgpack': Uint8Array.of(5),
  },
};

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'hub-'));
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_ENDPOINT', 'HF_HUB_OFFLINE']) vi.stubEnv(name, '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

const start = (repository = REPOSITORY) => HubServer.start(repository);
const from = (hub: HubServer, options: HubOptions = {}): HubOptions => ({ hubUrl: hub.url, cacheFolder: cache, ...options });
const repository = () => join(cache, 'models--owner--small-clip');

describe('the cache', () => {
  it('has the layout of all of Hugging Face: refs, blobs named by hash, links in snapshots', async () => {
    await using hub = await start();
    const files = await hubFiles(NAME, from(hub));
    expect(files.names).toEqual(['config.json', 'model.safetensors']);
    expect(await readFile(join(repository(), 'refs', 'main'), 'utf8')).toBe(COMMIT);
    const link = await readlink(join(repository(), 'snapshots', COMMIT, 'model.safetensors'));
    expect(link).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
    expect((await readdir(join(repository(), 'blobs'))).map((blob) => blob.length).sort()).toEqual([40, 64]);
    const source = await openWeights(files);
    expect(source.config).toEqual(FIXTURE_CONFIG);
    await source.close();
  });

  it('is not filled twice: another branch of the same commit costs two questions', async () => {
    await using hub = await start();
    await hubFiles(NAME, from(hub));
    expect(hub.downloads()).toHaveLength(2);
    hub.requests.length = 0;
    await hubFiles(NAME, from(hub, { revision: 'refs/pr/1' }));
    expect(hub.requests).toHaveLength(2);
    expect(await readFile(join(repository(), 'refs', 'refs', 'pr', '1'), 'utf8')).toBe(COMMIT);
  });

  it('serves offline by branch and by commit, and says what it lacks', async () => {
    const hub = await start();
    const progress: LoadProgress[] = [];
    await hubFiles(NAME, from(hub, { onProgress: (now) => progress.push(now) }));
    await hub[Symbol.asyncDispose]();
    const total = config.byteLength + weights.byteLength;
    expect(progress.at(-1)).toEqual({ stage: 'download', item: 'model.safetensors', loaded: total, total });
    expect(progress.every(({ loaded }, index) => loaded >= (progress[index - 1]?.loaded ?? 0))).toBe(true);

    for (const revision of ['main', COMMIT])
      expect((await hubFiles(NAME, from(hub, { offline: true, revision }))).names).toHaveLength(2);
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect((await hubFiles(NAME, from(hub))).names).toHaveLength(2);
    const missing = await failureOf(() => hubFiles(NAME, from(hub, { revision: 'other' })));
    expect(missing.message).toContain('owner/small-clip at other is not in the cache');
    const commit = 'a'.repeat(40);
    expect((await failureOf(() => hubFiles(NAME, from(hub, { revision: commit })))).message).toContain('is not in the cache');
    vi.stubEnv('HF_HUB_OFFLINE', '');
    expect((await failureOf(() => hubFiles(NAME, from(hub)))).message).toMatch(/cannot be reached.*offline: true/i);
  });

  it('is where the environment says', async () => {
    await using hub = await start();
    vi.stubEnv('HF_HUB_CACHE', cache);
    vi.stubEnv('HF_ENDPOINT', `${hub.url}/`);
    await hubFiles(NAME);
    await access(join(repository(), 'refs', 'main'));
  });
});

describe('downloads', () => {
  it('go on after the connection broke, from the byte where it did', async () => {
    await using hub = await start();
    hub.breakAfter = 100_000;
    const files = await hubFiles(NAME, from(hub));
    const ranges = hub
      .downloads()
      .filter((request) => request.includes('model.safetensors'))
      .map((request) => request.split(' ')[2]);
    expect(ranges[0]).toBe('all');
    expect(ranges.length).toBeGreaterThan(2);
    for (const range of ranges.slice(1)) expect(range).toMatch(/^bytes=[1-9]\d+-238217$/);
    expect(sameBytes(await readFile((await files.open('model.safetensors')) as string), weights)).toBe(true);
  });

  it('go on in another process, from what the last one left', async () => {
    await using hub = await start();
    const stop = new AbortController();
    const onProgress = ({ item, loaded }: LoadProgress) =>
      item.endsWith('.safetensors') && loaded > 5000 && stop.abort(new Error('enough'));
    hub.breakAfter = 50_000;
    expect((await failureOf(() => hubFiles(NAME, from(hub, { signal: stop.signal, onProgress })))).message).toBe('enough');
    const blobs = join(repository(), 'blobs');
    const incomplete = (await readdir(blobs)).find((name) => name.endsWith('.incomplete')) ?? '';
    const left = (await stat(join(blobs, incomplete))).size;
    expect(left).toBeGreaterThan(0);
    hub.breakAfter = undefined;
    hub.requests.length = 0;
    await hubFiles(NAME, from(hub));
    expect(hub.downloads()).toEqual([expect.stringContaining(`bytes=${left}-238217`)]);
    expect((await readdir(blobs)).filter((name) => name.endsWith('.incomplete'))).toEqual([]);
  });

  it('of one model at once wait for each other', async () => {
    await using hub = await start();
    const all = await Promise.all(Array.from({ length: 4 }, () => hubFiles(NAME, from(hub))));
    for (const files of all)
      expect(sameBytes(await readFile((await files.open('model.safetensors')) as string), weights)).toBe(true);
    expect(hub.downloads()).toHaveLength(2);
    expect(await readdir(join(cache, '.locks', basename(repository())))).toEqual([]);
  });

  it('count only with the hash that the hub promised', async () => {
    await using hub = await start();
    const broken = weights.slice();
    broken[broken.length - 1]! ^= 1;
    hub.replaced.set('model.safetensors', broken);
    const error = await failureOf(() => hubFiles(NAME, from(hub)));
    expect(error.message).toMatch(/model\.safetensors of owner\/small-clip has the hash [0-9a-f]{64}, not [0-9a-f]{64}/);
    hub.replaced.clear();
    expect((await hubFiles(NAME, from(hub))).names).toHaveLength(2);
  });

  it('of another size are refused', async () => {
    await using hub = await start();
    hub.replaced.set('config.json', Uint8Array.of(1));
    expect((await failureOf(() => hubFiles(NAME, from(hub)))).message).toContain(
      `should have ${config.byteLength} bytes, the hub offers 1 bytes`,
    );
  });

  it('of what was left behind too long begin anew', async () => {
    await using hub = await start();
    await hubFiles(NAME, from(hub));
    const blobs = join(repository(), 'blobs');
    const [blob = ''] = (await readdir(blobs)).filter((name) => name.length === 64);
    await rm(join(blobs, blob));
    await writeFile(join(blobs, `${blob}.incomplete`), new Uint8Array(weights.byteLength + 1));
    await hubFiles(NAME, from(hub));
    expect((await stat(join(blobs, blob))).size).toBe(weights.byteLength);
  });

  it('take shards by their index', async () => {
    const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };
    await using hub = await start({
      ...REPOSITORY,
      files: {
        'config.json': config,
        'model.safetensors.index.json': new TextEncoder().encode(JSON.stringify(index)),
        'model-00001-of-00002.safetensors': Uint8Array.of(1),
        'model-00002-of-00002.safetensors': Uint8Array.of(2),
        'model-00003-of-00003.safetensors': Uint8Array.of(3),
      },
    });
    expect((await hubFiles(NAME, from(hub))).names).toEqual([
      'config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
  });
});

describe('access', () => {
  it('takes the token from the environment, and says when one is needed', async () => {
    await using hub = await start();
    hub.isPrivate = true;
    const error = await failureOf(() => hubFiles(NAME, from(hub)));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/the hub refuses access \(401\).*set HF_TOKEN/);
    vi.stubEnv('HF_TOKEN', 'not one');
    expect((await failureOf(() => hubFiles(NAME, from(hub)))).message).toContain('does not begin with "hf_"');
    vi.stubEnv('HF_TOKEN', TOKEN);
    expect((await hubFiles(NAME, from(hub))).names).toHaveLength(2);
  });

  it('names what the hub does not have', async () => {
    await using hub = await start();
    for (const [name, revision] of [
      [NAME, 'other'],
      ['owner/other', 'main'],
    ] as const) {
      const error = await failureOf(() => hubFiles(name, from(hub, { revision })));
      expect(error.message).toContain(`${name} at ${revision}: the hub has no such model or revision`);
    }
  });

  it.each(['../../etc', 'a//b', '/etc', 'a/../b', '', '.hidden', 'a\\b'])('refuses the revision %j', async (revision) => {
    expect((await failureOf(() => hubFiles(NAME, { cacheFolder: cache, revision, offline: true }))).message).toContain(
      'is no revision',
    );
  });

  it('a repository without weights', async () => {
    await using hub = await start({ ...REPOSITORY, files: { 'config.json': config } });
    expect((await failureOf(() => hubFiles(NAME, from(hub)))).message).toContain('it holds only config.json');
  });
});

it('a browser reads the same files by ranges, without a cache', async () => {
  await using hub = await start();
  const source = await openWeights(await browserFiles(NAME, from(hub)), { towers: ['image'] });
  const local = await openWeights(folder(REPOSITORY.files), { towers: ['image'] });
  expect(await source.hash()).toBe(await local.hash());
  expect((await failureOf(() => browserFiles(NAME, { offline: true }))).message).toContain('Let the user pick');
  expect((await failureOf(() => browserFiles('owner/other', from(hub)))).message).toContain('no such model');
});

eachDevice('loadClip by name', (ctx) => {
  it('downloads, loads, and loads again offline', async () => {
    const hub = await start();
    const stages = new Set<string>();
    const options = { device: ctx.device, ...from(hub), onProgress: ({ stage }: LoadProgress) => stages.add(stage) };
    using first = await loadClip(NAME, options);
    await hub[Symbol.asyncDispose]();
    expect([...stages]).toEqual(['download', 'load']);
    using again = await loadClip(NAME, { ...options, offline: true });
    expect(again.hash).toBe(first.hash);
    const error = await failureOf(() => loadClip('ViT-B/16', { ...options, offline: true }));
    expect(error.message).toContain('openai/clip-vit-base-patch16 at main is not in the cache');
  });
});
