/** The report of a training as one HTML file, of the sections that Node's report has. */
import type { Clip } from '@mudpt/clip';
import {
  accuracyCurve,
  classTable,
  confusionSection,
  curves,
  type Evaluation,
  hardestImages,
  headline,
  inside,
  labelsToCheck,
  lossCurve,
  page,
  pairsTable,
  type Prediction,
  promptDiagram,
  type RunSummary,
} from 'mudpt/report';
import { type MetricsLine, methodNamed } from 'mudpt/core';
import type { InsideFacts, Measured, ModelFacts, ReportRequest } from '../worker/protocol.ts';

/** Where the page's charts of classes would be: the table says the same. */
const NO_CHART = { all: '' };

export function writeReport(request: ReportRequest, clip: Clip, model: ModelFacts, facts: InsideFacts | undefined): string {
  const { name, template, classes, outcome, lines, before, after, thumbnails } = request;
  const { plan } = outcome;
  const { epochs, stepsPerEpoch } = lengthOf(lines);
  const [frozen, tuned] = [evaluationOf('zero-shot', name, before), evaluationOf('tuned', name, after)];
  const summary: RunSummary = {
    format: 2,
    marks: { config: plan.mark, data: plan.mark, images: plan.mark, model: model.hash },
    state: 'finished',
    data: {
      name,
      template,
      classes: classes.map(({ name: className, train, test }) => ({
        name: className,
        prompt: template.replace('{}', className),
        train,
        val: 0,
        test,
      })),
      warnings: plan.notes,
      unreadable: after.unreadable,
    },
    model: { name: model.name, hash: model.hash, imageSize: model.imageSize, config: clip.config },
    method: { name: plan.method, title: plan.title, summary: methodNamed(plan.method).summary, parameters: outcome.parameters },
    adapter: clip.device.adapter.name,
    evaluations: [frozen, tuned],
    training: { epochs, stepsPerEpoch, epochsDone: epochs, seconds: outcome.seconds, peakBytes: outcome.peakBytes },
  };
  const predictions = predictionsOf(before, after);
  const images = new Map(thumbnails);
  const { text, image } = clip.config;
  const diagram = facts?.layout && promptDiagram({ layout: facts.layout, textLayers: text.layers, imageLayers: image.layers });
  return page(`${plan.title}: ${name}`, [
    headline(summary, { shots: plan.shots, seed: plan.seed }, frozen, tuned),
    curves(lossCurve(lines, stepsPerEpoch), accuracyCurve(lines, stepsPerEpoch), summary.training, { newEachEpoch: false }),
    classTable(summary, NO_CHART, frozen, tuned),
    confusionSection(
      { summary, confusion: after.confusion, predictions },
      { svg: request.matrix },
      pairsTable(summary, after.confusion),
      images,
    ),
    hardestImages(summary, predictions, images, new Map()),
    labelsToCheck(summary, predictions, images, new Map()),
    inside(diagram, facts?.layout?.example, facts?.words ?? []),
  ]);
}

/** As the curve tells it: the last line of an epoch's steps is that of its last step. */
function lengthOf(lines: readonly MetricsLine[]): { readonly epochs: number; readonly stepsPerEpoch: number } {
  const epochs = lines.filter(({ kind }) => kind === 'epoch').length;
  const steps = lines.reduce((most, line) => (line.kind === 'step' ? Math.max(most, line.step + 1) : most), 0);
  return { epochs, stepsPerEpoch: epochs === 0 ? 0 : Math.ceil(steps / epochs) };
}

function evaluationOf(what: Evaluation['what'], data: string, { metrics }: Measured): Evaluation {
  return { what, data, split: 'test', classes: 'all', metrics, time: new Date().toISOString() };
}

function predictionsOf(before: Measured, after: Measured): Prediction[] {
  const frozen = new Map(before.guesses.map(({ id, top }) => [id, top]));
  return after.guesses.map(({ id, label, top, loss }) => ({ id, label, zeroShot: frozen.get(id) ?? [], tuned: top, loss }));
}
