/**
 * An Indexed Job of Kubernetes: a pod does a chunk of cells, all pods see one volume with data, model and the sweep's folder. Asked to stop
 * (a node is drained, a pod preempted), a run saves and ends with 75, which counts as no failure: another pod goes on.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join, posix, resolve } from 'node:path';
import { InputError, writeFileAtomic } from '@mudpt/tensor';
import { stringify } from 'yaml';
import { EXIT_AGAIN } from '../exit-codes.ts';

export interface KubernetesOptions {
  /** Cells of the plan. */
  readonly cells: number;
  /** Cells a pod. */
  readonly chunk: number;
  /** Pods at once. */
  readonly atOnce: number;
  /** Name of the container's image, made from the Containerfile. */
  readonly image: string;
  /** PersistentVolumeClaim with data, model and sweep. */
  readonly claim: string;
  /** Where the volume is mounted: the paths of the plan must be below it. */
  readonly mount: string;
  readonly namespace?: string | undefined;
  /** As `resources.limits` takes them: `nvidia.com/gpu=1`, `memory=8Gi`. */
  readonly limits: readonly string[];
}

const CONTAINER = 'sweep';
/** How often the pod of an index may fail: what fails twice fails for a reason that `status` shows. */
const RETRIES = 1;
/** Seconds between SIGTERM and SIGKILL: a run saves within a minute. */
const GRACE_SECONDS = 90;

/** The manifest, as an object. @param sweep the folder as the pods see it */
export function kubernetesJob(sweep: string, options: KubernetesOptions) {
  const { cells, chunk, atOnce, image, claim, mount, namespace, limits } = options;
  const folder = resolve(sweep);
  if (folder !== mount && posix.relative(mount, folder).startsWith('..'))
    throw new InputError(
      '--mount',
      `${folder} is not below ${mount}`,
      'mount the volume where the plan was made, or plan below the mount',
    );
  const tasks = Math.ceil(cells / chunk);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: jobName(sweep), ...(namespace !== undefined && { namespace }) },
    spec: {
      completionMode: 'Indexed',
      completions: tasks,
      parallelism: Math.min(tasks, atOnce),
      backoffLimitPerIndex: RETRIES,
      // One failing index does not end the others.
      maxFailedIndexes: tasks,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'Ignore', onExitCodes: { containerName: CONTAINER, operator: 'In', values: [EXIT_AGAIN] } },
        ],
      },
      template: {
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: GRACE_SECONDS,
          containers: [
            {
              name: CONTAINER,
              image,
              args: ['sweep', 'run', folder, '--chunk', String(chunk)],
              volumeMounts: [{ name: 'shared', mountPath: mount }],
              ...(limits.length > 0 && { resources: { limits: Object.fromEntries(limits.map(limitOf)) } }),
            },
          ],
          volumes: [{ name: 'shared', persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  };
}

function limitOf(text: string): [string, string] {
  const [, name, value] = /^([\w./-]+)=([\w.]+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InputError('--limit', `"${text}" is no limit`, 'write one such as --limit nvidia.com/gpu=1 or --limit memory=8Gi');
  return [name, value];
}

/** A name as Kubernetes takes it (RFC 1123, at most 63 letters, of which pods need some for their index). */
function jobName(sweep: string): string {
  const plain = basename(resolve(sweep))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-');
  return `mudpt-${plain}`.slice(0, 50).replace(/-+$/, '');
}

/** The container: this package from the registry, and a Vulkan driver for machines without a GPU. */
export function containerfile(version: string): string {
  return `# podman build -t IMAGE -f Containerfile .
FROM docker.io/library/node:20-bookworm-slim
# Mesa's software driver; on nodes with GPUs the vendor's driver is mounted by the container runtime.
RUN echo 'deb http://deb.debian.org/debian bookworm-backports main' > /etc/apt/sources.list.d/backports.list \\
 && apt-get update \\
 && apt-get install -y --no-install-recommends -t bookworm-backports mesa-vulkan-drivers libvulkan1 \\
 && rm -rf /var/lib/apt/lists/*
ENV NVIDIA_DRIVER_CAPABILITIES=all
WORKDIR /opt/mudpt
RUN npm install --omit=dev mudpt@${version} webgpu@0.6.2
ENTRYPOINT ["/opt/mudpt/node_modules/.bin/mudpt"]
`;
}

/** Writes both files. @returns their paths */
export async function writeKubernetes(sweep: string, options: KubernetesOptions): Promise<{ job: string; container: string }> {
  const folder = join(sweep, 'kubernetes');
  const manifest = stringify(kubernetesJob(sweep, options));
  const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  await mkdir(folder, { recursive: true });
  const [job, container] = [join(folder, 'job.yaml'), join(folder, 'Containerfile')];
  await writeFileAtomic('sweep kubernetes', job, manifest);
  await writeFileAtomic('sweep kubernetes', container, containerfile(version));
  return { job, container };
}
