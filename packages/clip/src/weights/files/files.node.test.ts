import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixturePath } from '@mudpt/testing/files';
import { failureOf } from '@mudpt/testing/failure';
import { fixture, FIXTURE_CONFIG } from '@mudpt/testing/weights/models';
import { toHuggingFace } from '../names/hugging-face-config.ts';
import { localFiles as browserLocalFiles, makeFolder as browserMakeFolder } from './local.browser.ts';
import { locate } from './files.ts';
import { openWeights } from '../open.ts';

const CONFIG = JSON.stringify(toHuggingFace(FIXTURE_CONFIG));

describe('an address', () => {
  const served = new Map<string, Uint8Array>();
  const asked: string[] = [];
  let server: Server;
  let base: string;
  beforeAll(async () => {
    served.set('/model/config.json', new TextEncoder().encode(CONFIG));
    served.set('/model/model.safetensors', await fixture('hf-f16.safetensors'));
    served.set('/other/clip.pt', await fixture('torchscript-f16.pt'));
    server = createServer(({ url = '', method, headers }, response) => {
      const { pathname, search } = new URL(url, 'http://host');
      asked.push(`${method} ${pathname}${search}`);
      const content = served.get(pathname);
      if (!content) return void response.writeHead(404).end();
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      if (method === 'HEAD' || first === undefined) return void response.writeHead(200).end();
      const [begin, end] = [Number(first), Math.min(Number(last) + 1, content.byteLength)];
      response
        .writeHead(206, { 'content-range': `bytes ${begin}-${end - 1}/${content.byteLength}` })
        .end(content.subarray(begin, end));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    base = typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '';
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('of a folder ends in a slash: the usual files are asked for', async () => {
    const source = await openWeights(`${base}/model/?key=1`);
    expect(source.config).toEqual(FIXTURE_CONFIG);
    expect((await source.read('logit_scale')).shape).toEqual([]);
    expect(asked).toContain('HEAD /model/config.json?key=1');
    expect(asked.filter((request) => request.includes('pytorch_model.bin'))).toEqual(['HEAD /model/pytorch_model.bin?key=1']);
  });

  it('of a file takes what lies beside it, and needs nothing there for names of OpenAI', async () => {
    expect((await openWeights(new URL('/model/model.safetensors', base))).config).toEqual(FIXTURE_CONFIG);
    const source = await openWeights(`${base}/other/clip.pt`, { towers: ['text'] });
    expect((await source.read('ln_final.bias')).shape).toEqual([64]);
  });

  it('that leads nowhere', async () => {
    expect((await failureOf(() => openWeights(`${base}/none/model.safetensors`))).message).toContain('answered 404');
    expect((await failureOf(() => openWeights(`${base}/none/`))).message).toContain('it holds nothing');
    expect((await failureOf(() => openWeights('http://127.0.0.1:1/x.pt'))).message).toContain('does not answer');
  });
});

describe('a path', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'files-'));
    await writeFile(join(folder, 'config.json'), CONFIG);
    await symlink(fixturePath('weights/hf-f16.safetensors'), join(folder, 'model.safetensors'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(['folder', 'file', 'URL'])('of a %s', async (kind) => {
    const file = join(folder, 'model.safetensors');
    const source = await openWeights(kind === 'folder' ? folder : kind === 'file' ? file : pathToFileURL(file));
    expect(source.config).toEqual(FIXTURE_CONFIG);
    await source.close();
  });

  it('of a file inside a file is none', async () => {
    expect(await locate(join(folder, 'config.json', 'x'))).toBeUndefined();
  });
});

describe('a browser', () => {
  it('takes the files of the folder that was picked, not those of folders inside', async () => {
    const file = (path: string, content: BlobPart) =>
      Object.defineProperty(new File([content], path.split('/').at(-1) ?? ''), 'webkitRelativePath', { value: path });
    const weights = await fixture('hf-f16.safetensors');
    const picked = [
      file('clip/onnx/config.json', '{}'),
      file('clip/config.json', CONFIG),
      file('clip/model.safetensors', weights),
    ];
    const source = await openWeights(picked);
    expect(source.config).toEqual(FIXTURE_CONFIG);
    expect((await locate(picked))?.files.name).toBe('clip');
    const without = await failureOf(() =>
      openWeights([file('clip/model.safetensors.index.json', '{"weight_map":{"a":"b.safetensors"}}')]),
    );
    expect(without.message).toContain('b.safetensors is not among the files picked');
  });

  it('has no paths', async () => {
    expect(await browserLocalFiles('/etc')).toBeUndefined();
    expect((await failureOf(() => browserMakeFolder('x'))).message).toContain('serializeHuggingFace');
  });
});
