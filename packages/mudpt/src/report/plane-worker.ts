/** A worker thread that lays out features: UMAP would block the event loop for a second. */
import { type Plane, type PlaneTask, planeOf } from './plane.ts';

/** Called by piscina. */
export default function work(task: PlaneTask): Plane {
  return planeOf(task);
}
