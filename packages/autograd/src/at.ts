/** Element `index` of a list that must have it: an axis of a shape, a place beside a parameter. @throws RangeError */
export function at<T>(list: ArrayLike<T>, index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`there is no element ${index} of ${list.length}`);
  return item;
}
