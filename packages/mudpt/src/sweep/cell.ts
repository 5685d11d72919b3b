/** A plan and its cells: one training run each, with the evaluations that follow it. */
import * as z from 'zod';
import { PROTOCOLS } from './protocols.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256');
const name = z.string().min(1);
const shots = z.union([z.literal('all'), z.int().positive()]);

const followUp = z.strictObject({
  /** The data set as `--data` takes it. */
  data: name,
  /** `Dataset.name`, which measurements are kept under. */
  name,
  classes: z.enum(['all', 'base', 'new']),
});

export const cellSchema = z.strictObject({
  /** Place in the plan, from 0: the index of an array's task. */
  index: z.int().nonnegative(),
  /** Folder of the run below `runs/`, named by what the run is: the same for the same plan on every machine. */
  id: name,
  protocols: z.array(z.enum(PROTOCOLS)).min(1),
  /** Row of the table: the method, and its variant where one was named (`mudpt@released-defaults`). */
  method: name,
  /** Name of the data set that is trained on. */
  data: name,
  shots,
  seed: z.int().nonnegative(),
  /** The run's configuration, complete. */
  config: z.record(z.string(), z.unknown()),
  /** Settings of the method that were asked for by name: they are never lowered to what a small model has. */
  asked: z.array(name),
  /** Id of the cell whose run teaches this one: it is run first. */
  teacher: name.optional(),
  /** What the run is evaluated on after it has finished. */
  evaluations: z.array(followUp),
});

const dataset = z.strictObject({
  name,
  /** As `--data` takes it, a path made absolute. */
  data: name,
  /** SHA-256 of class names, template, and the ids and labels of every split. */
  structure: digest,
  classes: z.int().positive(),
  train: z.int().nonnegative(),
  val: z.int().nonnegative(),
  test: z.int().nonnegative(),
});

export const PLAN_FORMAT = 1;

export const headSchema = z.strictObject({
  format: z.literal(PLAN_FORMAT),
  /** SHA-256 of everything else in the plan, cells included. */
  digest,
  model: name,
  root: name,
  protocols: z.array(
    z.strictObject({
      name: z.enum(PROTOCOLS),
      train: z.array(name).min(1),
      targets: z.array(name),
      shots: z.array(shots).min(1),
    }),
  ),
  methods: z.array(name).min(1),
  seeds: z.array(z.int().nonnegative()).min(1),
  sets: z.array(dataset),
});

export type Cell = z.infer<typeof cellSchema>;
export type FollowUp = z.infer<typeof followUp>;
export type PlannedSet = z.infer<typeof dataset>;
export type PlanHead = z.infer<typeof headSchema>;

export interface Plan {
  readonly head: PlanHead;
  readonly cells: readonly Cell[];
}
