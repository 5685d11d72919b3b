import { spawnSync } from 'node:child_process';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { containerfile, kubernetesJob } from './kubernetes.ts';
import { quoted } from './command-line.ts';
import { slurmScript } from './slurm.ts';

const job = (change = {}) =>
  kubernetesJob('/work/S 1', {
    ...{ cells: 165, chunk: 4, atOnce: 20, image: 'registry/mudpt:1', claim: 'shared', mount: '/work', namespace: 'lab' },
    ...{ limits: ['nvidia.com/gpu=1', 'memory=8Gi'], ...change },
  });

const validate = (manifest: unknown): void => new Job(manifest as never).validate();

/** Every path to a value that is neither an object nor a list. */
function leaves(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, Array.isArray(value) ? Number(key) : key]));
}

function withWrong(manifest: unknown, path: readonly (string | number)[]): unknown {
  const copy = structuredClone(manifest) as Record<string | number, unknown>;
  const holder = path.slice(0, -1).reduce((at, key) => at[key] as Record<string | number, unknown>, copy);
  holder[path.at(-1) ?? ''] = [{ wrong: true }];
  return copy;
}

it("an Indexed Job that Kubernetes' schema takes, every word of which the schema knows", () => {
  const manifest = parse(stringify(job())) as ReturnType<typeof job>;
  validate(manifest);
  expect(manifest.spec).toMatchObject({ completionMode: 'Indexed', completions: 42, parallelism: 20 });
  expect(manifest.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
  // A schema lets unknown words pass; a known one refuses a value of the wrong kind.
  for (const path of leaves(manifest)) expect(() => validate(withWrong(manifest, path)), path.join('.')).toThrow();
  expect(manifest.spec.template.spec.containers[0]?.args).toEqual(['sweep', 'run', '/work/S 1', '--chunk', '4']);
  // Stopped and saved is no failure.
  expect(manifest.spec.podFailurePolicy.rules[1]?.onExitCodes?.values).toEqual([75]);
  expect(() => job({ mount: '/elsewhere' })).toThrow(/is not below \/elsewhere/);
  expect(() => job({ limits: ['a lot'] })).toThrow(/"a lot" is no limit/);
  expect(containerfile('1.2.3')).toMatch(/npm install --omit=dev mudpt@1\.2\.3/);
});

it('a script that bash takes, with as many tasks as chunks', () => {
  const options = {
    cells: 165,
    chunk: 4,
    atOnce: 20,
    time: '01:00:00',
    ahead: 60,
    sbatch: ['--gres=gpu:1', '-p short'.replace(' ', '=')],
  };
  const script = slurmScript('/work/S', options);
  expect(script).toMatch(/#SBATCH --array=0-41%20\n#SBATCH --time=01:00:00\n#SBATCH --requeue\n/);
  expect(script).toMatch(/#SBATCH --signal=B:TERM@60\n[^]*#SBATCH --gres=gpu:1\n/);
  expect(script).toMatch(/ sweep run \/work\/S --chunk 4 &\n/);
  expect(spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  expect(() => slurmScript('/work/S 1', options)).toThrow(/without spaces/);
  expect(() => slurmScript('/work/S', { ...options, sbatch: ['--x=1\nrm'] })).toThrow(/is no option of sbatch/);
  expect([quoted('/a/b.ts'), quoted("it's $HOME")]).toEqual(['/a/b.ts', String.raw`'it'\''s $HOME'`]);
});

it('a signal ends neither the run nor its exit code; saved is back in the queue', () => {
  const script = slurmScript('/tmp', { cells: 1, chunk: 1, time: '1', ahead: 1, sbatch: [] });
  // The run takes half a second to save; scontrol says what it is told; sbatch's signal comes after it has begun.
  const stub = `bash -c 'trap "sleep 0.5; exit 75" TERM; echo begun; while :; do sleep 0.1; done'`;
  const lines = script.split('\n').map((line) => (line.includes(' sweep run ') ? `${stub} &` : line));
  const body = [
    'scontrol() { echo "scontrol $*"; }',
    'SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=3',
    '(sleep 0.5; kill -TERM $$) &',
    ...lines,
  ];
  const { status, stdout } = spawnSync('bash', ['-c', body.join('\n')], { encoding: 'utf8' });
  expect(stdout).toBe('begun\nstopped and saved: back into the queue\nscontrol requeue 7_3\n');
  expect(status).toBe(75);
});
