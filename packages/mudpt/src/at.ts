/** List access with a check: element `index`, which must exist: a class of a label, a pixel of an image. @throws RangeError */
export function at<T>(list: ArrayLike<T>, index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`there is no element ${index} of ${list.length}`);
  return item;
}
