// A registry of npm packages on this machine. It has the packed packages as if they were published, and passes on what the usual registry says of all
// others, so that every package manager installs them by the words that a reader of the READMEs types.
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { untar } from '../../packages/tensor/launcher/untar.mjs';
import { run } from './shell.mjs';

/** @typedef {{ url: string, close: () => void }} Registry */
/** @typedef {{ versions: Record<string, { dist: { tarball: string } }> }} Packument what a registry says of a package */

const PACKUMENT = /^\/((?:@[^/]+\/)?[^/@-][^/]*)$/;
const TARBALL = /^\/((?:@[^/]+\/)?[^/@-][^/]*)\/-\/([^/]+\.tgz)$/;

/** @param {string} name of a package @param {string} version */
const fileOf = (name, version) => `${name.split('/').at(-1)}-${version}.tgz`;

/** @param {string} tarball @returns {Record<string, unknown> & { name: string, version: string }} the manifest inside */
function manifestIn(tarball) {
  const file = untar(gunzipSync(readFileSync(tarball))).get('package/package.json');
  if (!file) throw new Error(`${tarball} has no package.json`);
  return JSON.parse(new TextDecoder().decode(file));
}

/** @param {string} tarball @param {string} url of the registry @returns {Packument & { name: string }} */
function packumentOf(tarball, url) {
  const manifest = manifestIn(tarball);
  const { name, version } = manifest;
  const bytes = readFileSync(tarball);
  const dist = {
    tarball: `${url}/${name}/-/${fileOf(name, version)}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
  };
  // Long ago: package managers may refuse what was published within the last days.
  const time = '2020-01-01T00:00:00.000Z';
  return Object.assign(
    { name, 'dist-tags': { latest: version }, time: { created: time, modified: time, [version]: time } },
    { versions: { [version]: { ...manifest, dist } } },
  );
}

/** Tarballs of the usual registry are kept in `cache`: they never change. @param {URL} from @param {string} cache @param {string} name @returns {Promise<Buffer>} */
async function fetchTarball(from, cache, name) {
  const kept = join(cache, name);
  if (existsSync(kept)) return readFileSync(kept);
  const response = await fetch(from);
  if (!response.ok) throw new Error(`${from.pathname}: ${response.status} ${response.statusText}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  mkdirSync(dirname(kept), { recursive: true });
  const fresh = `${kept}.${randomUUID()}`;
  writeFileSync(fresh, bytes);
  renameSync(fresh, kept);
  return bytes;
}

/**
 * @param {readonly { tarball: string }[]} packed
 * @param {string} cache folder for the tarballs of others
 * @returns {Promise<Registry>}
 */
export async function openRegistry(packed, cache) {
  const usual = new URL(`${(await run('npm', ['config', 'get', 'registry'], cache)).trim().replace(/\/$/, '')}/`);
  /** @type {Map<string, string>} where the usual registry has a tarball */
  const places = new Map();
  /** @type {Map<string, { packument: object, tarball: string }>} */
  const published = new Map();
  let url = '';

  /** @param {string} name @param {string | undefined} accept @returns {Promise<{ status: number, type: string, body: string | Buffer }>} */
  async function describe(name, accept) {
    const type = 'application/json';
    const here = published.get(name);
    if (here) return { status: 200, type, body: JSON.stringify(here.packument) };
    const response = await fetch(new URL(name.replace('/', '%2f'), usual), { headers: accept ? { accept } : {} });
    if (!response.ok) return { status: response.status, type, body: await response.text() };
    /** @type {Packument} */
    const packument = /** @type {Packument} */ (await response.json());
    for (const [version, { dist }] of Object.entries(packument.versions)) {
      const place = `${name}/-/${fileOf(name, version)}`;
      places.set(place, dist.tarball);
      dist.tarball = `${url}/${place}`;
    }
    return { status: 200, type, body: JSON.stringify(packument) };
  }

  /** @param {string} name @param {string} file @returns {Promise<Buffer>} */
  async function tarballOf(name, file) {
    const here = published.get(name);
    if (here) return readFileSync(here.tarball);
    const place = `${name}/-/${file}`;
    return fetchTarball(new URL(places.get(place) ?? place, usual), cache, place);
  }

  const server = createServer(async (request, response) => {
    const path = decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/');
    const [, name, file] = TARBALL.exec(path) ?? [];
    const [, wanted] = PACKUMENT.exec(path) ?? [];
    try {
      if (name && file) response.writeHead(200).end(await tarballOf(name, file));
      else if (wanted && request.method === 'GET') {
        const { status, type, body } = await describe(wanted, request.headers.accept);
        response.writeHead(status, { 'content-type': type }).end(body);
      } else response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
    } catch (error) {
      console.error(`the usual registry, asked for ${path}: ${error}`);
      response.writeHead(502).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  url = `http://127.0.0.1:${port}`;
  for (const { tarball } of packed) {
    const packument = packumentOf(tarball, url);
    published.set(packument.name, { packument, tarball });
  }
  return { url, close: () => server.close() };
}
